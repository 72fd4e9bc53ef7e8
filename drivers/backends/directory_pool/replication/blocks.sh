# How points travel to and from drivers of every kind, and from where one server knows them by other identities; behind
# notes.sh and blocks.sh of scripted. $ship_pl, the text of ship.pl, is set in front of this by the driver.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh, the others by read_head

ship() {
    need perl
    perl -e "${ship_pl:?}" -- "$@"
}

# send_blocks POINT BASE: to standard output. Both programs must come to their end: the last line of the ranges says so.
send_blocks() {
    if [ -n "$2" ]; then ranges "$1" "$2"; else echo end; fi |
        ship send-blocks "groupsnap/cgctl-$1" "${2:+groupsnap/cgctl-$2}"
}

# expect_blocks BASE: refuse what has no room, before anything is written.
expect_blocks() {
    read_head
    needed=$ships
    [ -z "$1" ] || shares_data || needed=$((ships + $(taken "groupsnap/cgctl-$1"/cgctl-*/disk)))
    if [ "$needed" -lt "$total" ]; then room "$needed"; else room "$total"; fi
}

# take_stream POINT BASE: from standard input; only the changed blocks of a copy of the base are written.
take_stream() {
    stage groupsnap group_snapshot "$1"
    if [ -n "$2" ]; then copy_point "$2" "$staging"; else make_container "$staging"; fi
    ship receive "$staging"
}

# receive_blocks POINT BASE: behind expect_blocks.
receive_blocks() {
    take_stream "$1" "$2"
    exactly "$staging" "$announced"
    settle_point "$1"
}

# settle_point POINT: what stands under $staging is a point, but for its mark.
settle_point() {
    sync "$staging"/cgctl-*/disk "$staging"/cgctl-* "$staging"
    seal "$staging"
    mv -T "$staging" "groupsnap/cgctl-$1"
    staging=groupsnap/cgctl-$1
    sync groupsnap
}
