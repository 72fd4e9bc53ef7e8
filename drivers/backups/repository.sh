# Head of every script that works in a repository; it stands behind drivers/prelude.sh. POSIX sh, coreutils and perl.
#   first parameter of every script: REPOSITORY, its directory
repository=$1
shift
if ! { [ -d "$repository" ] && cd -- "$repository"; } 2>/dev/null; then
    refuse pool-missing "$repository is no directory that can be entered"
fi

own() {
    [ -e cgctl-repository ] || refuse pool-unmarked "$repository is no repository of cgctl: is its file system mounted?"
    found=''
    read -r found <cgctl-repository || :
    [ "$found" = 'cgctl-repository 1' ] || refuse pool-foreign "$repository is of another kind: $found"
}

# claim: as own, but an empty directory becomes a repository.
claim() {
    if [ ! -e cgctl-repository ]; then
        for entry in * .[!.]*; do
            case $entry in '*' | '.[!.]*' | lost+found | .mark-*) ;; *) refuse pool-foreign "$repository is not empty: $entry" ;; esac
        done
        [ -w . ] || refuse pool-missing "$repository cannot be written"
        printf 'cgctl-repository 1\n' >".mark-$$"
        sync ".mark-$$"
        mv -f ".mark-$$" cgctl-repository
        sync .
    fi
    own
}

# remove ID: whatever is there of a backup, whole or not. A writer of it that is still alive is waited for.
remove() {
    if [ -e ".making-$1/lock" ]; then
        exec 8>>".making-$1/lock"
        flock -w 30 8 || refuse at-work "the backup $1 is still being written"
    fi
    [ ! -e "backup-$1" ] || mv -T "backup-$1" ".gone-$1"
    rm -rf ".making-$1" ".gone-$1"
    sync .
}
