# manage_existing_group.sh ... GROUP; standard input: one line `VOLUME<tab>BYTES<tab>REFERENCE` per file of the pool's
# directory. The files become the members of a new group, all by one rename of its container.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh, $origin and $taken by `at`
group=$1
live=live/cgctl-$group
members=$(cat)
tab=$(printf '\t')

at() { # at REFERENCE VOLUME: $origin is the file, $taken its name while it is taken over, as in foreign.sh.
    origin=./$1
    taken=${origin%/*}/.cgctl-managing-$2
}

each() { # each FUNCTION: call it for every file.
    while IFS=$tab read -r volume bytes reference; do
        at "$reference" "$volume"
        "$@"
    done <<END
$members
END
}

give_back_name() {
    [ ! -e "$taken" ] || [ -e "$origin" ] || mv -T -- "$taken" "$origin"
}

untake_all() {
    trap '' EXIT
    if [ -n "$staging" ] && ! remove_tree "$staging"; then exit "$1"; fi
    [ "$1" = 0 ] || each give_back_name
    exit "$1"
}

look() {
    [ ! -e "$taken" ] || return 0
    [ -e "$origin" ] || [ -L "$origin" ] || refuse not-on-server "$reference is not in $pool"
    reason=$(unsafe "$origin")
    [ -z "$reason" ] || refuse refused "$reference: $reason"
    [ "$(size "$origin")" = "$bytes" ] || refuse refused "$reference has $(size "$origin") bytes, not $bytes"
}

take_one() {
    [ -e "$taken" ] || mv -T -- "$origin" "$taken"
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
    trap 'untake_all $?' EXIT
    each look
    each take_one
    stage live group "$group"
    make_container "$staging"
    each fill_one
    sync "$staging"
    settle "$live"
fi
trap 'undo $?' EXIT
each finish_one
