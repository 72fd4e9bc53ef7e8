# How points travel from one directory to another; the btrfs driver's stream.sh has the same functions.

stream_version() {
    echo 1
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

# receive_set POINT BASE: from standard input.
receive_set() {
    if [ -n "$2" ]; then
        needed_room "groupsnap/cgctl-$2"/cgctl-*/disk
    fi
    take_stream "$1" "$2"
    settle_point "$1"
}

# copy_point POINT DESTINATION: a copy that can be written to.
copy_point() {
    # shellcheck disable=SC2046 # ids
    copy_members "groupsnap/cgctl-$1" "$2" $(cd "groupsnap/cgctl-$1" && printf '%s\n' cgctl-* | sed 's/^cgctl-//')
}

# ranges SET BASE: where they differ, for `ship send-blocks`. All is read, and what differs is read once more to be sent.
ranges() {
    ship ranges "groupsnap/cgctl-$1" "groupsnap/cgctl-$2"
}

# changed_bytes SET BASE
changed_bytes() {
    ship changed "groupsnap/cgctl-$1" "groupsnap/cgctl-$2"
}
