# manage_existing_group.sh ... GROUP; standard input: one line `VOLUME<tab>BYTES<tab>REFERENCE` per file of the pool's
# directory. The files become the members of a new group, all by one rename of its container.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh, $taken by `names_of` of foreign.sh
group=$1
live=live/cgctl-$group
members=$(cat)
tab=$(printf '\t')

each() { # each FUNCTION: call it for every file.
    while IFS=$tab read -r volume bytes reference; do
        names_of "$reference" "$volume"
        "$@"
    done <<END
$members
END
}

look() {
    may_take "$reference" "$bytes"
}

fill_one() {
    mkdir "$staging/cgctl-$volume"
    move_disk "$taken" "$staging/cgctl-$volume/disk"
    sync "$staging/cgctl-$volume/disk" "$staging/cgctl-$volume"
}

finish_one() {
    chmod 600 "$live/cgctl-$volume/disk"
    rm -f -- "$taken"
    sync "${taken%/*}"
}

claim
lock "$group"
if [ ! -e "$live" ]; then
    trap 'untake $? each give_back_name' EXIT
    each look
    each take_name
    stage live group "$group"
    make_container "$staging"
    each fill_one
    sync "$staging"
    settle "$live"
fi
trap 'undo $?' EXIT
each finish_one
