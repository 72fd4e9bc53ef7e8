# Head of every script of the drivers whose pool is a directory; it stands behind drivers/prelude.sh and the driver's
# storage.sh, and before the method's own lines. POSIX sh with GNU coreutils.
#   first parameters of every script: POOL OWNER LOCK_WAIT_SECONDS
# From here on the working directory is the pool and every path is relative: nothing outside of it can be named.
pool=$1 owner=$2 lock_wait=$3
shift 3
need chmod cp date find flock grep ln mkdir mv readlink rm sed sort stat sync timeout truncate wc
if ! { [ -d "$pool" ] && cd -- "$pool"; } 2>/dev/null; then
    refuse pool-missing "$pool is no directory that can be entered"
fi
check_storage "$pool"

# What a script has under way stands under a staging name, and goes when the script fails; what a killed script leaves
# there is seen by list.sh and removed by the next run or by the object's delete.
staging=''
undo() {
    release_hold
    [ -z "$staging" ] || remove_tree "$staging" || :
    exit "$1"
}
trap 'undo $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# Functions whose body stands in () keep their variables to themselves.

# own: refuse unless the pool carries the mark of our state store. A pool without any mark may be the empty directory
# below a file system that is not mounted: whoever asks for what should be there gets no answer from it.
own() {
    [ -e .cgctl/owner ] || refuse pool-unmarked "$pool has no owner mark: is its file system mounted?"
    found=''
    read -r found <.cgctl/owner || :
    [ "$found" = "$owner" ] || refuse pool-foreign "$pool belongs to another state store ($found)"
}

# claim: as own, but a pool without mark and without objects becomes ours. Only link(2) decides who was first.
claim() {
    [ -e .cgctl/owner ] || make_mark
    own
}

make_mark() {
    for object in live/cgctl-* snap/cgctl-* groupsnap/cgctl-*; do
        [ ! -e "$object" ] || refuse pool-foreign "$pool has objects of cgctl and no owner mark"
    done
    [ -w . ] || refuse pool-missing "$pool cannot be written"
    mkdir -p .cgctl/sets .cgctl/locks live snap groupsnap
    for high in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
        for low in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do : >>".cgctl/locks/$high$low"; done
    done
    env printf '%s\n' "$owner" >".cgctl/owner-$owner.$$" # the shell's own calls a full pool an `I/O error`
    sync ".cgctl/owner-$owner.$$"
    ln ".cgctl/owner-$owner.$$" .cgctl/owner 2>/dev/null || [ -e .cgctl/owner ]
    rm ".cgctl/owner-$owner.$$"
    sync .cgctl .
}

# lock ID [ID]: wait until no other script works on these objects; ends with this script and its children. One of 256
# files by the id's first two digits, so that none ever has to be removed, nor made when the pool is full; taken in order,
# so that two never wait for each other.
lock() {
    [ -w . ] || refuse pool-missing "$pool cannot be written: is it mounted read-only?"
    # shellcheck disable=SC2046 # two hexadecimal digits each
    set -- $(printf '%.2s\n' "$@" | sort -u)
    exec 8>>".cgctl/locks/$1"
    flock -w "$lock_wait" 8 || refuse at-work "another script still works on this object"
    [ $# -gt 1 ] || return 0
    exec 9>>".cgctl/locks/$2"
    flock -w "$lock_wait" 9 || refuse at-work "another script still works on this object"
}

# stage FOLDER KIND ID: $staging is the free staging name of an object of FOLDER; what a former run left is removed.
stage() {
    staging=$1/.staging-$2-$3
    remove_tree "$staging"
}

# settle PLACE: what stands under $staging becomes the object, in one step and for good.
settle() {
    mv -T "$staging" "$1"
    staging=''
    sync "${1%/*}"
}

# vanish PLACE KIND ID: remove an object: first its name in one step, then its data. What cannot be removed comes back,
# if it is whole: a removal that somebody has ended, and not its script, leaves a half-made object for the next one.
# A full btrfs has room for a removal, but not for another name: then it is not one step, and who is killed runs again.
vanish() (
    grave=${1%/*}/.staging-$2-$3
    remove_tree "$grave" || return 1
    if [ -e "$1" ]; then
        entries=$(find "$1" | wc -l)
        if reason=$(mv -T "$1" "$grave" 2>&1); then
            remove_tree "$grave" || {
                [ "$(find "$grave" | wc -l)" != "$entries" ] || mv -T "$grave" "$1"
                return 1
            }
        else
            case $reason in
                *'No space left'*) remove_tree "$1" || return 1 ;;
                *) printf '%s\n' "$reason" >&2; return 1 ;;
            esac
        fi
    fi
    sync "${1%/*}"
)

# remove_volume ID: wherever it stands, alone or in a group, whole or half-made.
remove_volume() (
    vanish "live/cgctl-$1" volume "$1" || return 1
    for holder in live/cgctl-*; do
        if [ -e "$holder/cgctl-$1" ] || [ -e "$holder/.staging-volume-$1" ]; then
            vanish "$holder/cgctl-$1" volume "$1" || return 1
        fi
    done
)

# size PATH: bytes of a file.
size() {
    stat -c %s "$1"
}

# stamps ID...: what changes when somebody writes to the live disks of these members of live/cgctl-$group.
stamps() {
    # shellcheck disable=SC2046 # ids and our own words
    stat -c '%i %s %y' $(printf "live/cgctl-$group/cgctl-%s/disk " "$@")
}

# fill DIRECTORY SOURCE BYTES: a volume's directory with its disk: zeros, or SOURCE's data and then zeros.
fill() {
    mkdir "$1"
    [ -z "$2" ] || copy_disk "$2" "$1/disk"
    [ ! -e "$1/disk" ] || chmod 600 "$1/disk"
    truncate -s "$3" "$1/disk"
    sync "$1/disk" "$1"
}

# taken PATH...: how many bytes the data of files take, holes left out.
taken() (
    blocks=$(stat -c '%b * %B' "$@" | tr '\n' +)
    echo "$((${blocks}0))"
)

# source_fits SOURCE BYTES: refuse when the source is gone, or too large for what shall be made of it.
source_fits() {
    [ -e "$1" ] || refuse not-on-server "$1 is not in the pool"
    [ "$(size "$1")" -le "$2" ] || refuse refused "$1 has $(size "$1") bytes, more than the $2 of the new volume"
}

# marked GROUP_SNAPSHOT: refuse to use a set without its commit mark.
marked() {
    if ! { [ -e ".cgctl/sets/cgctl-$1" ] && [ -e "groupsnap/cgctl-$1" ]; }; then
        refuse not-on-server "group snapshot $1 is not in the pool, or void"
    fi
}

# ids_of TABLE: the first words of its lines.
ids_of() {
    printf '%s\n' "$1" | sed 's/ .*//'
}

# exactly CONTAINER TABLE: refuse unless the volumes of the lines `VOLUME BYTES` and no others are in it, with these sizes.
# One stat for all; only a difference is looked at volume by volume.
exactly() (
    found=0
    for path in "$1"/cgctl-*; do
        [ ! -e "$path" ] || found=$((found + 1))
    done
    expected=$(printf '%s\n' "$2" | sed -n '$=')
    [ "$found" = "$expected" ] || refuse refused "$1 has $found volumes, not $expected"
    found=$(stat -c '%n %s' "$1"/cgctl-*/disk 2>/dev/null | sed 's,^.*/cgctl-\(.*\)/disk ,\1 ,' | sort)
    [ "$found" = "$(printf '%s\n' "$2" | sort)" ] || differs "$1" "$2"
)

differs() {
    while read -r volume bytes; do
        [ -e "$1/cgctl-$volume/disk" ] || refuse not-on-server "member $volume is not in the pool"
        [ "$(size "$1/cgctl-$volume/disk")" = "$bytes" ] ||
            refuse refused "member $volume has $(size "$1/cgctl-$volume/disk") bytes, not $bytes"
    done <<END
$2
END
    refuse refused "$1 has other members than it should"
}

clock() {
    date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00
}

# prepare_mark GROUP_SNAPSHOT LINE, settle_mark GROUP_SNAPSHOT: its commit mark, which appears in one step.
prepare_mark() {
    printf '%s\n' "$2" >".cgctl/sets/cgctl-$1.new"
    sync ".cgctl/sets/cgctl-$1.new"
}

settle_mark() {
    mv -T ".cgctl/sets/cgctl-$1.new" ".cgctl/sets/cgctl-$1"
    sync .cgctl/sets
}

# room BYTES: refuse when the file system cannot take so many more.
room() {
    # shellcheck disable=SC2046 # two numbers
    set -- "$1" $(stat -f -c '%a %S' .)
    [ "$1" -le "$(($2 * $3))" ] || refuse pool-full "$pool has $(($2 * $3)) bytes free, $1 are needed"
}

# opened FILE: a process of this server, a loop device or LIO has it open. By device and inode, because NFS servers see
# it through another mount (and `find -samefile` opens the file, so finds itself).
opened() {
    identity=$(stat -c %d:%i -- "$1")
    open_files "${identity#*:}" | grep -qxF "$identity" || grep -qsxF -- "$(readlink -f -- "$1")" \
        /sys/block/loop*/loop/backing_file /sys/kernel/config/target/core/fileio_*/*/udev_path
}

open_files() { # DEVICE:INODE of each open file with this inode number
    find -L /proc/[0-9]*/fd -maxdepth 1 -inum "$1" -printf '%D:%i\n' 2>/dev/null
}

# list_files: everything of cgctl's, in lines for listing.py.
list_files() {
    [ -d live ] || return 0
    find live groupsnap snap -mindepth 1 -maxdepth 3 -printf 'file %y %s %p\n'
    for path in .cgctl/sets/cgctl-*; do
        group=''
        [ ! -e "$path" ] || read -r group _ <"$path" || :
        printf 'mark %s %s\n' "${path##*/cgctl-}" "$group"
    done
    for path in snap/cgctl-*; do
        volume=''
        [ ! -e "$path/volume" ] || read -r volume <"$path/volume" || :
        printf 'snapshot %s %s\n' "${path##*/cgctl-}" "$volume"
    done
}
