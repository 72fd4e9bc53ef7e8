# How points travel from one btrfs to another; the file driver's stream.sh has the same functions.
# btrfs receive makes a writable subvolume under its final name; only its end command gives it the received UUID and seals
# it. So what is read-only and has the sender's identity has arrived as a whole.

stream_version() {
    version=$(cat /sys/fs/btrfs/features/send_stream_version 2>/dev/null) || version=1
    btrfs send --help 2>/dev/null | grep -q -- --compressed-data || version=1
    echo "$version"
}

# identity_of POINT: the UUID that it was sent under, on whichever server; its id where it has arrived as blocks.
identity_of() (
    ! came_as_blocks "$1" || { echo "$1"; exit; }
    received=$(uuid_of "$1" 'Received UUID')
    if [ "$received" = - ]; then uuid_of "$1" UUID; else echo "$received"; fi
)

is_sealed() {
    [ "$(btrfs property get -ts "groupsnap/cgctl-$1" ro)" = ro=true ]
}

# send_set POINT BASE VERSION: to standard output.
send_set() {
    set -- "groupsnap/cgctl-$1" "${2:+groupsnap/cgctl-$2}" "$3"
    [ "$3" -lt 2 ] || set -- "$1" "$2" --proto 2 --compressed-data
    source=$1 parent=$2
    shift 2
    [ "$1" != 1 ] || shift
    btrfs send -q "$@" ${parent:+-p "$parent"} "$source"
}

# receive_set POINT BASE: from standard input.
receive_set() {
    # shellcheck disable=SC2034 # pool.sh removes it when this fails
    staging=groupsnap/cgctl-$1
    remove_tree "groupsnap/.staging-base-$1"
    [ -z "$2" ] || [ "$(uuid_of "$2" 'Received UUID')" != - ] || pretend_received "$2" "groupsnap/.staging-base-$1"
    status=0
    btrfs receive -q -e groupsnap || status=$?
    remove_tree "groupsnap/.staging-base-$1"
    return "$status"
}

# uuid_of POINT WORD: a line of what btrfs shows of it.
uuid_of() {
    btrfs subvolume show "groupsnap/cgctl-$1" | sed -n "s/^[[:space:]]*$2:[[:space:]]*//p"
}

# pretend_received BASE COPY: a copy of a base that was made here, with the received UUID that it has on the other side.
# btrfs receive (6.2) finds a parent by either UUID, but what a `clone` command of the stream takes extents from only by
# the received one: a way back would end with `clone: did not find source subvol`.
pretend_received() {
    need perl
    btrfs subvolume snapshot "groupsnap/cgctl-$1" "$2" >/dev/null
    # BTRFS_IOC_SET_RECEIVED_SUBVOL: UUID, transaction id, and 176 bytes of zeros
    # shellcheck disable=SC2016 # perl's variables
    perl -e 'my ($path, $uuid) = @ARGV; $uuid =~ tr/-//d; my $arguments = pack "H32 Q x176", $uuid, 1;
        open my $directory, "<", $path or die "$path: $!\n";
        ioctl $directory, 0xC0C89425, $arguments or die "$path: received UUID: $!\n"' "$2" "$(uuid_of "$1" UUID)"
    btrfs property set -ts "$2" ro true
}

# copy_point POINT DESTINATION: a copy that can be written to, without what killed scripts had left in the group.
copy_point() {
    btrfs subvolume snapshot "groupsnap/cgctl-$1" "$2" >/dev/null
    rm -rf "$2"/.staging-* "$2"/cgctl-*/.staging-*
}

# ranges SET BASE: where they may differ, for `ship send-blocks`; no data is read.
ranges() {
    need perl
    perl -e "${extents_pl:?}" -- "groupsnap/cgctl-$1" "groupsnap/cgctl-$2"
}

# changed_bytes SET BASE: of the extents that are new, and of disks that are not the files that they were.
changed_bytes() {
    ranges "$1" "$2" | {
        sum=0
        while read -r name word _ length; do
            case $word in
                look) sum=$((sum + length)) ;;
                whole) sum=$((sum + $(taken "groupsnap/cgctl-$1/$name/disk") + 1)) ;;
                *) [ "$name" = end ] && echo "$sum" && exit ;;
            esac
        done
        exit 1
    }
}
