# Shared by the scripts that take files of the pool's directory over, or give them back; it stands behind pool.sh.
#   DIRECTORY/.cgctl-managing-<id>   a file that is being taken over: renamed first, so that nobody else takes it
#   .cgctl/unmanaging-<id>           a file that is being given back; whole once its object is gone
# shellcheck disable=SC2154,SC2034 # $staging, $pool are pool.sh's; not every script uses every variable
nl='
'

# list_foreign: lines `foreign BYTES|REASON|PATH`; no reason: safe. Hidden names and cgctl's folders are none of them.
list_foreign() {
    each_foreign -path "*$nl*" -print0 | tr '\n\0' '?\n' | while IFS= read -r path; do
        printf 'foreign 0|its name has a line break|%s\n' "${path#./}"
    done
    each_foreign ! -path "*$nl*" -print | while IFS= read -r path; do
        printf 'foreign %s|%s|%s\n' "$(stat -c %s -- "$path")" "$(unsafe "$path")" "${path#./}"
    done
}

each_foreign() {
    find . -mindepth 1 -maxdepth 4 \( -name '.*' -o -path ./live -o -path ./snap -o -path ./groupsnap \) -prune -o \
        \( -type f -o -type l \) "$@"
}

# unsafe PATH: why a file is not taken over; nothing where it can be.
unsafe() (
    case $1 in *[[:cntrl:]]*) echo 'its name has control characters' && return ;; esac
    [ ! -L "$1" ] || { echo 'it is a symbolic link' && return; }
    [ -f "$1" ] || { echo 'it is not a regular file' && return; }
    [ "$(readlink -f -- "$1")" = "$(pwd -P)/${1#./}" ] || { echo 'it lies behind a symbolic link' && return; }
    # shellcheck disable=SC2046 # two numbers
    set -- "$1" $(stat -c '%h %s' -- "$1")
    [ "$2" = 1 ] || { echo "it has $2 names (hard links)" && return; }
    [ "$3" -gt 0 ] || { echo 'it is empty' && return; }
    [ "$(($3 % 512))" = 0 ] || { echo "it has $3 bytes, not a whole number of sectors (512 bytes)" && return; }
    changeable "$1" || { echo 'the user of the backend may not change it' && return; }
    movable "$1" || { echo 'it is on another file system than the pool' && return; }
    case $(head -c 4 -- "$1" | od -An -c) in
        *'Q   F   I 373'*) echo 'it is a qcow2 image, not a raw one: qemu-img convert -O raw' && return ;;
        *'K   D   M   V'*) echo 'it is a vmdk image, not a raw one: qemu-img convert -O raw' && return ;;
    esac
    ! opened "$1" || echo 'it is in use on the server'
)

changeable() (
    user=$(id -u)
    { [ "$user" = 0 ] || [ "$user" = "$(stat -c %u -- "$1")" ]; } && [ -w "${1%/*}" ] && [ -r "$1" ] && [ -w "$1" ]
)

# will_take REFERENCE ID: from here on, under the lock, a script that fails gives the file its name back.
will_take() {
    names_of "$1" "$2"
    trap 'untake $? give_back_name' EXIT
}

# names_of REFERENCE ID: $origin is the file, $taken the name under which it is ours while it is taken over.
names_of() {
    origin=./$1
    taken=${origin%/*}/.cgctl-managing-$2
}

# take REFERENCE BYTES: rename the file to $taken.
take() {
    may_take "$1" "$2"
    take_name
}

# may_take REFERENCE BYTES: refuse what is no safe file of that size. A former run may have taken it already.
may_take() {
    [ ! -e "$taken" ] || return 0
    [ -e "$origin" ] || [ -L "$origin" ] || refuse not-on-server "$1 is not in $pool"
    reason=$(unsafe "$origin")
    [ -z "$reason" ] || refuse refused "$1: $reason"
    [ "$(size "$origin")" = "$2" ] || refuse refused "$1 has $(size "$origin") bytes, not $2"
}

take_name() {
    [ -e "$taken" ] || mv -T -- "$origin" "$taken"
}

give_back_name() {
    [ ! -e "$taken" ] || [ -e "$origin" ] || mv -T -- "$taken" "$origin"
}

# untake STATUS COMMAND...: the end of a script; where it failed, the command gives the names back.
untake() {
    status=$1
    shift
    trap '' EXIT
    if [ -n "$staging" ] && ! remove_tree "$staging"; then exit "$status"; fi
    [ "$status" = 0 ] || "$@"
    exit "$status"
}

# taken_over DISK MODE: the object stands; its former name goes, also that which a killed run left.
taken_over() {
    trap 'undo $?' EXIT
    chmod "$2" "$1"
    rm -f -- "$taken"
    sync "${taken%/*}"
}

# give_back OBJECT KIND ID DISK REFERENCE: the object's disk becomes the file REFERENCE of the pool's directory.
give_back() {
    away=.cgctl/unmanaging-$3
    if [ -e "$4" ]; then
        [ ! -e "./$5" ] && [ ! -L "./$5" ] || refuse already-on-server "$pool/$5 is there already"
        ! opened "$4" || refuse busy "$2 $3 is in use: end its export first"
        rm -f "$away"
        staging=$away
        move_disk "$4" "$away"
        sync "$away" .cgctl
        staging=''
    fi
    vanish "$1" "$2" "$3"
    if [ -e "$away" ]; then
        same_file "$away" "./$5" || ln -T -- "$away" "./$5"
        chmod u+w -- "./$5"
        sync .
        rm "$away"
    fi
    [ -e "./$5" ] || refuse not-on-server "$2 $3 is not in the pool"
}

same_file() {
    [ "$(stat -c %d:%i "$1")" = "$(stat -c %d:%i -- "$2" 2>/dev/null)" ]
}
