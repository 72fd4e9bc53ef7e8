# What a pool in any directory can do, without privileges; the btrfs driver's storage.sh has the same functions.
# Bodies in () keep their variables to themselves.

# Copies are made one after another: whoever calls has quiesced the volumes.
is_atomic() {
    return 1
}

# prepare_hold CONTAINER, release_hold: nobody is held; a writer that is active is noticed.
prepare_hold() {
    :
}

release_hold() {
    :
}

hold_method() {
    echo file-copy
}

check_storage() {
    :
}

# make_container DIRECTORY: where the volumes of a group, or one volume alone, live.
make_container() {
    mkdir "$1"
}

# remove_tree PATH: nothing there is fine.
remove_tree() {
    rm -rf "$1"
}

# copy_disk SOURCE DESTINATION: somebody has quiesced the source; a writer that is active nevertheless is noticed.
copy_disk() (
    before=$(stat -c '%i %s %y' "$1")
    cp --reflink=auto --sparse=always "$1" "$2"
    [ "$before" = "$(stat -c '%i %s %y' "$1")" ] || refuse hold-broken "a writer was active: $1 changed while copied"
)

# move_disk SOURCE DESTINATION: a second name of the same file, so that no moment exists in which it has none.
move_disk() {
    ln "$1" "$2"
}

# copy_members SOURCE DESTINATION ID...: a container with these volumes.
copy_members() {
    copy_each '' "$@"
}

# freeze_members SOURCE DESTINATION ID...: the same, within the bound of `within`.
freeze_members() {
    copy_each within "$@"
}

copy_each() ( # copy_each PREFIX SOURCE DESTINATION ID...
    prefix=$1 from=$2 to=$3
    shift 3
    mkdir "$to"
    for member in "$@"; do
        mkdir "$to/cgctl-$member"
        $prefix cp --reflink=auto --sparse=always "$from/cgctl-$member/disk" "$to/cgctl-$member/disk"
    done
)

# needed_room PATH...: refuse when the data of these files has to be copied and does not fit.
needed_room() {
    shares_data || room "$(taken "$@")"
}

shares_data() (
    : >".cgctl/probe.$$"
    cp --reflink=always ".cgctl/probe.$$" ".cgctl/probe-copy.$$" 2>/dev/null
    status=$?
    rm -f ".cgctl/probe.$$" ".cgctl/probe-copy.$$"
    return "$status"
)

# in_use FILE: a move keeps the file itself, so it disturbs nobody.
in_use() {
    return 1
}

# movable FILE: move_disk can bring it into the pool's containers.
movable() {
    [ "$(stat -c %d -- "$1")" = "$(stat -c %d .)" ]
}

# seal, unseal CONTAINER: group snapshots are read-only by agreement.
seal() {
    :
}

unseal() {
    :
}
