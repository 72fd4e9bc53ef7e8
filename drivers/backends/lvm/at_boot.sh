#!/bin/sh
# Written by cgctl (backend lvm). Makes the gates of its volumes after a boot, before anything serves them: a gate is the
# device above a volume's LV that is exported, and device-mapper forgets it when the server goes down. Volumes that are
# file systems are mounted then.
#   lvm-gates [VG]      of one volume group, by who has its lock; without, of all of them
# shellcheck disable=SC2086 # names
umask 077
LC_ALL=C
export LC_ALL
failed=0
if [ $# = 0 ]; then
    for vg in $(lvm vgs -q --noheadings -o vg_name 2>/dev/null); do
        flock -w 60 "/run/lock/cgctl-lvm-$vg" sh "$0" "$vg" || failed=1
    done
    exit "$failed"
fi
lvs=$(lvm lvs -q --noheadings --separator ' ' -o lv_name,lv_tags "$1" 2>/dev/null)

# ours ENDING: lines `LV TAGS`, between commas, of volumes, whose names end so. Another hand's LV may be called alike.
ours() {
    printf '%s\n' "$lvs" | while read -r name tags; do
        case $name,,$tags, in
            cgctl-????????-????-????-????-????????????"$1,,"*cgctl.making=1,*) ;;
            cgctl-????????-????-????-????-????????????"$1,,"*cgctl.kind=volume,*) printf '%s ,%s,\n' "$name" "$tags" ;;
        esac
    done
}

# A volume that a revert had put aside when the power went is the volume.
renames=$(ours _old | while read -r name _; do
    lvm lvs "$1/${name%_old}" </dev/null >/dev/null 2>&1 || echo "lvrename -q $1 $name ${name%_old}"
done)
if [ -n "$renames" ]; then
    printf '%s\n' "$renames" | lvm >/dev/null
    lvs=$(lvm lvs -q --noheadings --separator ' ' -o lv_name,lv_tags "$1" 2>/dev/null)
fi

# volumes: what of them is served.
volumes() {
    ours '' | while read -r name tags; do
        case $tags in
            *,cgctl.group=*)
                # A group whose revert was cut is not served half: backend-check --repair ends it.
                group=${tags#*,cgctl.group=}
                case $lvs in *cgctl.reverting="${group%%,*}"/*) continue ;; esac
                ;;
        esac
        printf '%s %s\n' "$name" "$tags"
    done
}

volumes | while read -r name _; do printf '%s/%s\n' "$1" "$name"; done | xargs -r -n 40 lvm lvchange -q -ay
volumes >"/run/cgctl-lvm-gates.$1"
made=" $(dmsetup info -c --noheadings -o name 2>/dev/null | tr '\n' ' ') " # a node may be one of nothing
while read -r name tags; do
    bytes=${tags#*,cgctl.bytes=}
    bytes=${bytes%%,*}
    case $made in
        *" $name "*) ;;
        *)
            dmsetup create "$name" --uuid "CGCTL-${name#cgctl-}" \
                --table "0 $((bytes / 512)) linear /dev/$1/$name 0" || failed=1
            ;;
    esac
    case $tags in
        *,cgctl.fs=xfs,*)
            place=/run/cgctl/volumes/$name
            group=${tags#*,cgctl.group=} # as is_fenced in gates.sh
            case $lvs in *cgctl.side="${group%%,*}"/????????-????-????-????-????????????/fenced*) continue ;; esac
            grep -q " $place " /proc/self/mountinfo ||
                { mkdir -p "$place" && mount -t xfs -o nouuid,nosuid,nodev "/dev/mapper/$name" "$place"; } || failed=1
            ;;
    esac
done <"/run/cgctl-lvm-gates.$1"
rm -f "/run/cgctl-lvm-gates.$1"
exit "$failed"
