# How points travel from one directory to another; the btrfs driver's stream.sh has the same functions.
# $ship_pl, the text of ship.pl, is set in front of this by the driver.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh

stream_version() {
    echo 1
}

ship() {
    need perl
    perl -e "${ship_pl:?}" -- "$@"
}

# identity_of POINT: the stream proves by itself that it is whole.
identity_of() {
    echo "$1"
}

# is_sealed POINT: sets are read-only by agreement here; who breaks it is seen by the disks' times.
is_sealed() {
    return 0
}

# send_set POINT BASE VERSION: to standard output.
send_set() {
    ship send "groupsnap/cgctl-$1" "${2:+groupsnap/cgctl-$2}"
}

# receive_set POINT BASE: from standard input; only the changed blocks of a copy of the base are written.
receive_set() {
    if [ -n "$2" ]; then
        needed_room "groupsnap/cgctl-$2"/cgctl-*/disk
    fi
    stage groupsnap group_snapshot "$1"
    if [ -n "$2" ]; then
        # shellcheck disable=SC2046 # ids
        copy_members "groupsnap/cgctl-$2" "$staging" $(cd "groupsnap/cgctl-$2" && printf '%s\n' cgctl-* | sed 's/^cgctl-//')
    else
        mkdir "$staging"
    fi
    ship receive "$staging"
    sync "$staging"/cgctl-*/disk "$staging"/cgctl-* "$staging"
    mv -T "$staging" "groupsnap/cgctl-$1"
    sync groupsnap
}

# changed_bytes SET BASE
changed_bytes() {
    ship changed "groupsnap/cgctl-$1" "groupsnap/cgctl-$2"
}
