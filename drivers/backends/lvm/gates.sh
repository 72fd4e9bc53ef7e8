# Gates, and the file systems on them; stands behind pool.sh in every script.
# shellcheck disable=SC2034,SC2154 # of pool.sh: its variables

# gate_line VOLUME BYTES: a device for `dmsetup create --concise`.
gate_line() {
    printf 'cgctl-%s,CGCTL-%s,,rw,0 %s linear /dev/%s/cgctl-%s 0\n' "$1" "$1" "$(($2 / 512))" "$vg" "$1"
}

has_gate() {
    [ -e "/dev/mapper/cgctl-$1" ]
}

# make_gate VOLUME BYTES: what exports serve is there: the gate, and the file system on it.
make_gate() {
    open_gate "$1" "$2"
    mount_volume "$1"
}

# The gate of an id that stands above another LV would be held, and served, for one that is neither.
open_gate() {
    ! stands_well "$1" || return 0
    ! is_elsewhere "$1" || refuse busy "the gate of volume $1 stands on $stands: another pool of this server has the volume, too"
    ! has_gate "$1" || close_gate "$1" ||
        refuse busy "the gate of volume $1 stands on ${stands:-nothing}, and is in use: end its export first"
    devices=''
    gate_line "$1" "$2" | dmsetup create --concise || gate_anew "$1" "$2"
}

# close_gate VOLUME [WORD]: 1 while something uses it. Without udevd, a `dmsetup remove` that was killed has left a node of
# no device.
close_gate() {
    dmsetup remove ${2:+"$2"} "cgctl-$1" && return 0
    ! dmsetup info "cgctl-$1" >/dev/null 2>&1 || return 1
    rm -f "/dev/mapper/cgctl-$1"
}

# gate_anew VOLUME BYTES: a `dmsetup create` that was killed has left a device without a table, and without a node.
gate_anew() {
    dmsetup remove "cgctl-$1" || exit 1
    gate_line "$1" "$2" | dmsetup create --concise
}

# stands_well VOLUME: whether its gate is there, and above its LV; else $stands is what is below, empty: nothing.
stands_well() {
    stands=''
    has_gate "$1" || return 1
    case $devices in *"${nl}cgctl-$1: "*) ;; *) devices=$nl$(dmsetup deps -o devname)$nl ;; esac
    stands=${devices#*"${nl}cgctl-$1: "}
    stands=${stands%%"$nl"*}
    case $stands in
        *"("*")") stands=${stands#*"("} && stands=${stands%")"} ;;
        *) stands='' ;;
    esac
    spell "cgctl-$1"
    [ "$stands" = "$dm_vg-$spelled" ]
}

# is_elsewhere VOLUME: whether the gate is another pool's, which has the volume while it moves within the server.
is_elsewhere() {
    if stands_well "$1"; then
        find_lv "cgctl-$1" || return 0 # another pool of this volume group has it
        return 1
    fi
    case $stands in "$dm_vg"-[!-]*) return 1 ;; *-cgctl--*) ;; *) return 1 ;; esac
}

# grow_gate VOLUME BYTES: nothing when it has this size.
grow_gate() {
    make_gate "$1" "$2"
    if [ "$(dmsetup info -c --noheadings -o name,suspended "cgctl-$1"):$(blockdev --getsize64 "/dev/mapper/cgctl-$1")" \
        != "cgctl-$1:Active:$2" ]; then
        dmsetup reload "cgctl-$1" --table "0 $(($2 / 512)) linear /dev/$vg/cgctl-$1 0"
        dmsetup resume "cgctl-$1"
    fi
    grow_file_system "$1"
}

# drop_gate VOLUME: nothing of ours there is fine; 1 when it is served, mounted elsewhere or held by another device: it stays.
# What a killed `umount` or `mount` has begun goes on after its death, and after it has let go of our lock: for some seconds
# the file system holds its gate, or is mounted only now.
drop_gate() {
    has_gate "$1" && ! is_elsewhere "$1" || return 0
    patiently='' patience=1
    ! has_file_system "$1" || { patiently=--retry patience=6; } # of five seconds each
    ! is_mounted_elsewhere "$1" || return 1
    while [ "$patience" -gt 0 ]; do
        unmount_volume "$1" || return 1
        ! close_gate "$1" "$patiently" || return 0
        patience=$((patience - 1))
    done
    mount_volume "$1"
    return 1
}

remove_gate() {
    drop_gate "$1" || refuse busy "volume $1 is in use: end its export first"
}

# --- volumes that are file systems: their LVs say so

has_file_system() {
    find_lv "cgctl-$1" || return 1
    case $tags in *,cgctl.fs=xfs,*) ;; *) return 1 ;; esac
}

# is_mounted VOLUME: also when the file system has stopped, and answers nothing more.
is_mounted() {
    while read -r _ _ _ _ place _; do
        [ "$place" != "$mounts/cgctl-$1" ] || return 0
    done </proc/self/mountinfo
    return 1
}

# is_mounted_elsewhere VOLUME: beside its own place, as an export has it.
is_mounted_elsewhere() {
    while read -r mounted; do
        case $mounted in
            *" $mounts/cgctl-$1 "*) ;;
            *" /dev/mapper/cgctl-$1 "*) return 0 ;;
        esac
    done </proc/self/mountinfo
    return 1
}

# has_stopped VOLUME: xfs gives up when it cannot write its log, as on a full pool, and is served again after a new mount.
has_stopped() {
    is_mounted "$1" && [ ! -d "$mounts/cgctl-$1" ]
}

# is_fenced: whether another server serves the group of the volume that has_file_system has looked at. Its file system is
# not mounted then: mounted, it writes by itself, which would look as if a client had written what nobody replicated.
is_fenced() {
    in_group=${tags#*,cgctl.group=}
    case $pool_tags in
        *",cgctl.side=${in_group%%,*}/"????????-????-????-????-????????????"/fenced,"*) return 0 ;;
    esac
    return 1
}

# mount_volume VOLUME. nouuid: a clone and its source have one UUID.
mount_volume() {
    has_file_system "$1" || return 0
    ! is_mounted "$1" && ! is_fenced || return 0
    mkdir -p "$mounts/cgctl-$1"
    mount -t xfs -o nouuid,nosuid,nodev "/dev/mapper/cgctl-$1" "$mounts/cgctl-$1"
}

# unmount_volume VOLUME: 1 when somebody on the server works in it.
unmount_volume() {
    ! is_mounted "$1" || umount "$mounts/cgctl-$1" || return 1
    [ ! -d "$mounts/cgctl-$1" ] || rmdir "$mounts/cgctl-$1"
}

grow_file_system() {
    ! has_file_system "$1" || xfs_growfs "$mounts/cgctl-$1" >/dev/null
}

# flush GATE...: what clients have written is on the device, so that a snapshot has it, and freezing takes no time.
flush() {
    for gate in "$@"; do
        ! is_mounted "${gate#cgctl-}" || sync -f "$mounts/$gate" || cannot_write "${gate#cgctl-}"
    done
}

cannot_write() {
    look
    room
    refuse refused "what clients have written to volume $1 cannot be written: backend-check tells why"
}
