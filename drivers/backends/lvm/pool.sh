# Head of every script of the lvm driver; it stands behind drivers/prelude.sh and before the method's own lines.
#   first parameters of every script: VG/POOL OWNER LOCK_WAIT_SECONDS FILE_SYSTEM
# FILE_SYSTEM: xfs where new volumes are file systems, which this server mounts (for NFS); image where they are made of
#   such, to be read, and not mounted; empty where they are disks.
# POSIX sh; as few processes as possible. $state is what `lvs` prints of the pool, one LV a line:
#   "  NAME|POOL|BYTES|ATTR|ZERO|DATA_PERCENT|METADATA_PERCENT|ORIGIN|VG_METADATA_FREE|METADATA_BYTES|TAGS"
# No words of ours are patterns: `for` may split $state. The lvm shell takes 64 words a line.
# shellcheck disable=SC2034,SC2329 # not every script uses every variable, and `undo` is called by the trap
vg=${1%/*} pool=$1 owner=$2 lock_wait=$3 file_system=$4
thin_pool=${pool#*/}

# spell NAME: $spelled is how the device mapper spells a part of a name; a single hyphen is between VG and LV.
spell() {
    spelled='' unspelled=$1
    while [ "${unspelled#*-}" != "$unspelled" ]; do
        spelled=$spelled${unspelled%%-*}--
        unspelled=${unspelled#*-}
    done
    spelled=$spelled$unspelled
}
spell "$vg"
dm_vg=$spelled
spell "$thin_pool"
tpool=$dm_vg-$spelled
shift 4
set -f
need date dmsetup flock lvm setsid sleep
[ -z "$file_system" ] || need mkfs.xfs mount sync umount xfs_growfs
LVM_SUPPRESS_FD_WARNINGS=1
export LVM_SUPPRESS_FD_WARNINGS
lock_file=/run/lock/cgctl-lvm-$vg
mounts=/run/cgctl/volumes # as in layout.py and at_boot.sh
# Where it is used (RHEL 9's default), LVM knows no device that is not in it.
devices_file=/etc/lvm/devices/system.devices
nl='
'
lvs_line="lvs -q --noheadings --nosuffix --units b --separator | \
-o lv_name,pool_lv,lv_size,lv_attr,zero,data_percent,metadata_percent,origin,vg_mda_free,lv_metadata_size,lv_tags \
-S pool_lv=$thin_pool||lv_name=$thin_pool $vg"

locked='' seen='' devices=''
undo() {
    exit "$1"
}
trap 'undo $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# Nobody reads our output any more: lvm, too, shall end its work and not die of it.
trap '' PIPE

# lock: wait until no other script, no lvm and no watchdog of one works in this volume group.
lock() {
    exec 9>>"$lock_file"
    flock -w "$lock_wait" 9 || refuse at-work "another script still works in the volume group $vg"
    locked=yes
}

# For a session of its own, in which lvm outlives a script that is killed. It closes what it has inherited: the shell
# beside it keeps the lock until it has ended.
# shellcheck disable=SC2016 # its own status
run_lvm='lvm; exit "$?"'

# change [LINE...]: one lvm process runs these lines; then $state is new. lvm's shell goes on after an error and
# ends with 0: what counts is the state. One that has lost the pool tells of nothing: an lvm that was killed, for example.
change() {
    noise=$(printf '%s\n' "$@" "$lvs_line" | setsid -w sh -c "$run_lvm") || :
    state=$nl$noise$nl devices=''
    case $seen$state in
        "$nl"* | *"$nl  $thin_pool|"*) ;;
        *)
            echo "lvm was cut, or does not see $pool any more: what it has done is not known" >&2
            exit 1
            ;;
    esac
}

# look: $state without a change, and what it says of the pool.
look() {
    change
    of_pool
}

# of_pool: $pool_tags, $pool_bytes, $pool_attr, $zero, $data, $metadata, $metadata_limit, $mda_free of $state; refuse unless
# there is a thin pool. LVM adds nothing to a pool that has less than 4 MiB of its metadata free, or a quarter.
of_pool() {
    find_lv "$thin_pool" || refuse pool-missing "$pool is no thin pool on this server"
    case $attr in t*) ;; *) refuse pool-missing "$pool is not a thin pool" ;; esac
    pool_tags=$tags pool_bytes=$lv_bytes pool_attr=$attr zero=$zeroes mda_free=$vg_free
    data=$data_percent metadata=$metadata_percent
    metadata_limit=$((100 - (419430400 + metadata_bytes - 1) / metadata_bytes))
    [ "$metadata_limit" -ge 75 ] || metadata_limit=75
    [ "$metadata_limit" -le 95 ] || metadata_limit=95
    seen=yes
}

# find_lv NAME: $lv_bytes, $attr, $zeroes, $data_percent, $metadata_percent, $metadata_bytes, $origin, $tags (between
# commas) of an LV of $state.
find_lv() {
    line=${state#*"$nl  $1|"}
    [ "$line" != "$state" ] || return 1
    line=${line%%"$nl"*}
    tags=,${line##*|},
    IFS='|' read -r _ lv_bytes attr zeroes data_percent metadata_percent origin vg_free metadata_bytes _ <<END
$line
END
}

# tag KEY: $value of the tag KEY=... among $tags.
tag() {
    value=${tags#*",$1="}
    if [ "$value" = "$tags" ]; then
        value=''
        return 1
    fi
    value=${value%%,*}
}

# tagged KEY=VALUE: $found is what stands behind cgctl- in the names of all LVs with this tag.
tagged() {
    found='' IFS=$nl
    for line in $state; do
        case $line in
            '  cgctl-'*)
                case ",${line##*|}," in *",$1,"*) line=${line#'  cgctl-'} && found="$found ${line%%|*}" ;; esac
                ;;
        esac
    done
    unset IFS
}

# each_lv COMMAND NAME...: $lines of LVM that run it on their LVs, some in each.
each_lv() {
    command=$1 lines='' words=0
    shift
    for word in "$@"; do
        [ "$words" -gt 0 ] || lines=$lines$command
        lines="$lines $vg/cgctl-$word" words=$(((words + 1) % 40))
        [ "$words" -gt 0 ] || lines=$lines$nl
    done
}

# is KIND: refuse to take an LV of another kind for it; behind find_lv.
is() {
    tag cgctl.kind || :
    [ "$value" = "$1" ] || refuse already-on-server "the LV with this id is a ${value:-stranger}, not a $1"
}

# own: look, and refuse unless the pool carries the mark of our state store.
own() {
    look
    ours
}

ours() {
    tags=$pool_tags
    tag cgctl.owner || refuse pool-unmarked "$pool has no owner mark"
    [ "$value" = "$owner" ] || refuse pool-foreign "$pool belongs to another state store ($value)"
    [ -z "$locked" ] || settle_group
}

# room: refuse before the pool fills: thin volumes with nowhere to write lose data. And before LVM's own metadata does:
# a volume group of LVM's usual size has room for about a thousand LVs. What LVM would refuse is refused before a hold.
room() {
    case $pool_attr in
        ????[cC]*) refuse refused "$pool must be checked before it can be used: backend-check tells how" ;;
        ????????F*) refuse refused "$pool has failed: backend-check tells how to repair it" ;;
        ????????M*) refuse pool-full "$pool has no room for its metadata: lvextend --poolmetadatasize +256M $pool" ;;
    esac
    [ -n "$data" ] || refuse pool-missing "$pool is not active: lvchange -ay $pool"
    [ "${data%%.*}" -lt 95 ] || refuse pool-full "$pool is full: data $data % (lvextend -L+10G $pool, or delete snapshots)"
    [ "${metadata%%.*}" -lt "$metadata_limit" ] || refuse pool-full "$pool has no room for more metadata: $metadata % of \
$metadata_limit % that LVM takes (lvextend --poolmetadatasize +256M $pool, or delete snapshots)"
    [ "$mda_free" -ge 65536 ] || refuse pool-full "the metadata area of $vg is full ($mda_free bytes free): delete snapshots"
}

# has_room_for BYTES: whether so much more may be written at once, by what the pool itself says just now (no lvm is run).
has_room_for() {
    # shellcheck disable=SC2046 # words
    set -- "$1" $(dmsetup status "$tpool-tpool")
    case ${6:-}+${7:-} in [0-9]*/*[0-9]+[0-9]*/*[0-9]) ;; *) return 1 ;; esac
    [ "$((${6%/*} * 100))" -lt "$((${6#*/} * metadata_limit))" ] &&
        [ "$(((${7%/*} + $1 * ${7#*/} / pool_bytes) * 100))" -lt "$((${7#*/} * 95))" ]
}

# how_full: TOTAL_BYTES DATA_PERCENT METADATA_PERCENT METADATA_LIMIT_PERCENT; of a pool that is not active LVM knows no percent.
how_full() {
    printf '%s %s %s %s' "$pool_bytes" "${data:--}" "${metadata:--}" "$metadata_limit"
}

# has_group GROUP
has_group() {
    case $pool_tags in *",cgctl.group=$1,"*) ;; *) return 1 ;; esac
}

# marked SET: refuse to use a set without its commit mark.
marked() {
    case $pool_tags in
        *",cgctl.mark=$1/"*) ;;
        *) refuse not-on-server "group snapshot $1 is not in the pool, or void" ;;
    esac
}

# sectors BYTES: refuse what no block device can have.
whole_sectors() {
    [ "$(($1 % 512))" = 0 ] || refuse refused "$1 bytes are not whole sectors of 512"
}

# source_fits LV BYTES: refuse when the source is gone, or too large for what shall be made of it.
source_fits() {
    find_lv "$1" || refuse not-on-server "$1 is not in the pool"
    tag cgctl.bytes || refuse not-on-server "$1 is not in the pool"
    [ "$value" -le "$2" ] || refuse refused "$1 has $value bytes, more than the $2 of the new volume"
}

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
    ! has_gate "$1" || dmsetup remove "cgctl-$1" ||
        refuse busy "the gate of volume $1 stands on ${stands:-nothing}, and is in use: end its export first"
    devices=''
    gate_line "$1" "$2" | dmsetup create --concise || gate_anew "$1" "$2"
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
    ! stands_well "$1" || return 1
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
# What a killed `umount` has begun goes on for a moment after its death, and after it has let go of our lock.
drop_gate() {
    has_gate "$1" && ! is_elsewhere "$1" || return 0
    unmount_volume "$1" || return 1
    patiently=''
    ! has_file_system "$1" || patiently=--retry
    # shellcheck disable=SC2086 # a word or none
    ! dmsetup remove $patiently "cgctl-$1" || return 0
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

# settle_revert VOLUME: end what a revert left in the middle: the volume is there, and neither _new nor _old.
settle_revert() {
    if find_lv "cgctl-$1_old" && ! find_lv "cgctl-$1"; then
        change "lvrename -q $vg cgctl-$1_old cgctl-$1" "lvchange -q -ay $vg/cgctl-$1"
    fi
    for word in new old; do
        ! find_lv "cgctl-$1_$word" || change "lvremove -fy -q $vg/cgctl-$1_$word"
    done
}

# left_by_reverts WORD: $found is what stands behind cgctl- in the names of all LVs that reverts have named ID_WORD. Another
# hand's LV may be called alike: ours carry the id of a volume and its tags.
left_by_reverts() {
    found='' IFS=$nl
    for line in $state; do
        case $line in
            '  cgctl-'????????-????-????-????-????????????"_$1|"*cgctl.bytes=*)
                line=${line#'  cgctl-'} && found="$found ${line%%'|'*}"
                ;;
        esac
    done
    unset IFS
}

# settle_reverts: end what reverts that were killed have left, of a group before its decision or behind its end, and of
# single volumes; behind `lock`, when nothing is decided.
settle_reverts() {
    case $state in *'_new|'* | *'_was|'* | *'_old|'*) ;; *) return 0 ;; esac
    left_by_reverts old
    for word in $found; do settle_revert "${word%_old}"; done
    left_by_reverts new
    stale=$found
    left_by_reverts was
    # shellcheck disable=SC2086 # names
    each_lv 'lvremove -fy -q' $stale $found
    [ -z "$lines" ] || change "$lines"
    of_pool
}

# settle_group: end what revert_consistencygroup.sh has decided: its copies take the place of the group's volumes. Behind
# `lock`; nothing where nothing was decided. One lvm process, in a session of its own, exchanges all members.
settle_group() {
    tags=$pool_tags
    if ! tag cgctl.reverting; then
        settle_reverts
        return
    fi
    decided=$value
    IFS=/ read -r group_of kept_as count_of at <<END
$decided
END
    tagged "cgctl.group=$group_of"
    exchange='' back=''
    for word in $found; do
        case $word in *_new) word=${word%_new} ;; *) continue ;; esac
        back="$back $word"
        remove_gate "$word"
        if find_lv "cgctl-$word"; then
            if [ -n "$kept_as" ]; then
                exchange="${exchange}lvchange -q -An --deltag cgctl.kind=volume --deltag cgctl.group=$group_of \
--addtag cgctl.kind=member --addtag cgctl.set=$kept_as --addtag cgctl.volume=$word $vg/cgctl-$word
lvchange -q -An -an $vg/cgctl-$word
lvchange -q -An -ky $vg/cgctl-$word
lvchange -q -An -pr $vg/cgctl-$word
lvrename -q -An $vg cgctl-$word cgctl-${kept_as}_$word$nl"
            else
                exchange="${exchange}lvchange -q -An --deltag cgctl.kind=volume --deltag cgctl.group=$group_of $vg/cgctl-$word
lvrename -q -An $vg cgctl-$word cgctl-${word}_was$nl"
            fi
        fi
        exchange="${exchange}lvrename -q -An $vg cgctl-${word}_new cgctl-$word
lvchange -q -ay $vg/cgctl-$word$nl"
    done
    [ -z "$exchange" ] || change "$exchange"
    of_pool
    tagged "cgctl.group=$group_of"
    case "$found " in *_new\ *) refuse busy "the revert of group $group_of cannot be ended: see lvs $vg" ;; esac
    for word in $found; do
        find_lv "cgctl-$word"
        tag cgctl.bytes || :
        make_gate "$word" "$value"
        grow_file_system "$word"
    done
    done_as="lvchange -q --deltag cgctl.reverting=$decided"
    [ -z "$kept_as" ] || done_as="$done_as --addtag cgctl.mark=$kept_as/$group_of/revert/$count_of/$at/$at/0"
    left_by_reverts was
    # shellcheck disable=SC2086 # names
    each_lv 'lvremove -fy -q' $found
    change "$done_as $pool" "$lines"
    of_pool
}
