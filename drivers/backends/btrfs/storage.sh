# What a pool on btrfs can do; the file driver's storage.sh has the same functions.
# prepare_hold, stand_still and release_hold: writers.sh

# copy_members and freeze_members hold one point in time whatever is written meanwhile, after prepare_hold.
is_atomic() {
    return 0
}

hold_method() {
    echo btrfs-snapshot
}

check_storage() {
    need btrfs
    [ "$(stat -f -c %T .)" = btrfs ] || refuse pool-missing "$1 is not on btrfs (it is on $(stat -f -c %T .))"
}

# make_container DIRECTORY: where the volumes of a group, or one volume alone, live.
make_container() {
    btrfs subvolume create "$1" >/dev/null
}

# remove_tree PATH: a container or a plain directory; nothing there is fine. The commit makes it last.
remove_tree() {
    [ -e "$1" ] || return 0
    if [ "$(stat -c %i "$1")" = 256 ]; then
        btrfs subvolume delete -c "$1" >/dev/null
    else
        rm -rf "$1"
    fi
}

# copy_disk SOURCE DESTINATION: the kernel locks the source's inode for the whole clone: one point in time.
copy_disk() {
    cp --reflink=always "$1" "$2"
}

# move_disk SOURCE DESTINATION: into another container, which is another subvolume: no rename, no link.
move_disk() {
    copy_disk "$1" "$2"
}

# copy_members SOURCE DESTINATION ID...: a writable container with (at least) these volumes of one point in time.
copy_members() {
    stand_still 700 timeout -k 1 7 btrfs subvolume snapshot "$1" "$2" >/dev/null
}

# freeze_members SOURCE DESTINATION ID...: the same, read-only, within the bound of `within`.
# shellcheck disable=SC2154 # $bound is of create_cgsnapshot.sh
freeze_members() {
    stand_still "$bound" within btrfs subvolume snapshot -r "$1" "$2" >/dev/null
}

# needed_room PATH...: clones share their data.
needed_room() {
    :
}

shares_data() {
    :
}

# in_use FILE: what a process writes after a move would go to the old place.
in_use() {
    opened "$1"
}

# movable FILE: move_disk can bring it into the pool's containers.
movable() {
    [ "$(stat -f -c %T -- "$1")" = btrfs ]
}

# seal, unseal CONTAINER: a container becomes, or ceases to be, as read-only as a group snapshot's.
seal() {
    btrfs property set -ts "$1" ro true
}

unseal() {
    btrfs property set -ts "$1" ro false
}
