# The one lvm process of a script: the first `change` starts it, and it is fed through a pipe, so it has read its
# configuration and found its devices when a hold begins. Stands behind pool.sh in every script.
# It runs in a session of its own, in which it outlives a script that is killed, and ends its work: the lines that it
# was told, no more, since the pipe ends with the script. It closes what it has inherited; the shell beside it keeps the
# lock until it has ended.
# Descriptors: 8 to lvm, 4 from it. Who is started and may outlive the script closes both. Of the script's own lvm
# inherits 9 and 7, which keep others away until it has ended, too, and not 6, which is let go earlier.
# shellcheck disable=SC2034,SC2154 # of pool.sh: its variables
need mkfifo sed
LVM_SUPPRESS_FD_WARNINGS=1
export LVM_SUPPRESS_FD_WARNINGS
lvm_process='' unheard=''
# shellcheck disable=SC2016 # its own status
run_lvm='lvm; exit "$?"'

# begin_lvm: the pipes have no names when this returns, so nothing is left of them. Each is opened for both ends before the
# process is started: whoever is killed when, nobody waits for the other one to open it, with the lock in hand.
begin_lvm() {
    set -- "$lock_file.$$.to" "$lock_file.$$.from"
    mkfifo -m 600 "$@" 2>/dev/null || { rm -f "$@" && mkfifo -m 600 "$@"; }
    exec 3<>"$1" 5<>"$2"
    rm "$@"
    setsid -w sh -c "$run_lvm" </proc/self/fd/3 >/proc/self/fd/5 3>&- 5>&- 6>&- &
    lvm_process=$!
    exec 8>/proc/self/fd/3 4</proc/self/fd/5 3>&- 5>&-
}

# end_lvm: behind this nothing more is made, whatever was to be when a signal came.
end_lvm() {
    [ -n "$lvm_process" ] || return 0
    exec 8>&- 4<&-
    wait "$lvm_process" || :
    lvm_process='' unheard=''
}

# say LINE...: to lvm. A line is one write: whoever is killed meanwhile, lvm gets all of it or nothing, for half of it is
# another command (a volume's name begins as that of its copies does).
say() {
    IFS=$nl
    # shellcheck disable=SC2048 # lines
    for said in $*; do
        if [ "${#said}" -ge 4096 ]; then
            echo "a line for lvm has ${#said} bytes: neither it is told to lvm, nor what is behind it" >&2
            break
        fi
        printf '%s\n' "$said" >&8 2>/dev/null || break # lvm has gone: who listens will know
    done
    unset IFS
}

# `formats` prints a name on each line, lvm2 as the last of them: behind it nothing comes of the lines before.
end_line='  lvm2'

tell() {
    say "$@"
    say formats
}

# change [LINE...]: lvm runs these lines; then $state is new. lvm's shell goes on after an error: what counts is the
# state. One that has lost the pool tells of nothing.
change() {
    [ -z "$unheard" ] || end_lvm
    [ -n "$lvm_process" ] || begin_lvm
    unheard=yes
    noise=$nl$(tell "$@" "$lvs_line" & sed "/^$end_line\$/q" <&4) || :
    devices='' state=${noise%"$end_line"}
    case $noise in
        *"$nl$end_line") unheard='' ;;
        *) state='' ;;
    esac
    case $seen$state in
        "$nl"* | *"$nl  $thin_pool|"*) ;;
        *)
            echo "lvm was cut, or does not see $pool any more: what it has done is not known" >&2
            exit 1
            ;;
    esac
}

# listen, heard: what lvm says until the end of what it was told; listening begins before a hold, and starts nothing in it.
listen() {
    unheard=yes
    sed -n "/^$end_line\$/q" <&4 8>&- &
    listener=$!
}

heard() {
    say formats
    wait "$listener"
    unheard=''
}

# unlock: who holds the lock is lvm, too.
unlock() {
    end_lvm
    exec 9>&-
    locked=''
}
