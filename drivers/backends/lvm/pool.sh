# Head of every script of the lvm driver; it stands behind drivers/prelude.sh and before the method's own lines.
#   first parameters of every script: VG/POOL OWNER LOCK_WAIT_SECONDS FILE_SYSTEM
# FILE_SYSTEM: xfs where new volumes are file systems, which this server mounts (for NFS); image where they are made of
#   such, to be read, and not mounted; empty where they are disks.
# POSIX sh; as few processes as possible. $state is what `lvs` prints of the pool, one LV a line:
#   "  NAME|POOL|BYTES|ATTR|ZERO|DATA_PERCENT|METADATA_PERCENT|ORIGIN|VG_METADATA_FREE|METADATA_BYTES|TAGS"
# No words of ours are patterns: `for` may split $state. The lvm shell takes 64 words a line, `say` 4096 bytes.
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
lock_file=/run/lock/cgctl-lvm-$vg
mounts=/run/cgctl/volumes # as in layout.py and at_boot.sh
# Where it is used (RHEL 9's default), LVM knows no device that is not in it.
devices_file=/etc/lvm/devices/system.devices
nl='
'
lvs_line="lvs -q --noheadings --nosuffix --units b --separator | \
-o lv_name,pool_lv,lv_size,lv_attr,zero,data_percent,metadata_percent,origin,vg_mda_free,lv_metadata_size,lv_tags \
-S pool_lv=$thin_pool||lv_name=$thin_pool $vg"

locked='' seen='' state='' devices='' ended_as=0
undo() {
    exit "$1"
}
# Also from within a loop over words that are separated otherwise, or over files.
trap 'ended_as=$?; unset IFS; set -f; undo "$ended_as"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# Nobody reads our output any more: lvm, too, shall end its work and not die of it.
trap '' PIPE

# lock: wait until no other script, no lvm and no watchdog of one works in this volume group. An lvm that was started
# before has no lock to keep.
lock() {
    end_lvm
    exec 9>>"$lock_file"
    flock -w "$lock_wait" 9 || refuse at-work "another script still works in the volume group $vg"
    locked=yes
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
        lines="$lines $vg/cgctl-$word" words=$(((words + 1) % 16))
        [ "$words" -gt 0 ] || lines=$lines$nl
    done
}

# removed NAME...: remove these LVs, behind cgctl- in their names; refuse unless they are gone. What is made under the
# name of one that stays is that one: of another time, or with another's data.
removed() {
    [ $# -gt 0 ] || return 0
    each_lv 'lvremove -fy -q' "$@"
    change "$lines"
    for word in "$@"; do
        ! find_lv "cgctl-$word" || refuse busy "$vg/cgctl-$word, which was left behind, cannot be removed: something uses it"
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
