#!/bin/sh
# Written by cgctl (backend lvm). Makes the gates of its volumes after a boot, before anything serves them: a gate is the
# device above a volume's LV that is exported, and device-mapper forgets it when the server goes down. Volumes that are
# file systems are mounted then.
# shellcheck disable=SC2086 # names
umask 077
LC_ALL=C
export LC_ALL
# settle: a volume that a revert had put aside when the power went is the volume.
settle() {
    lvm lvs -q --noheadings -o vg_name,lv_name 2>/dev/null | while read -r vg name; do
        case $name in
            cgctl-*_old) lvm lvs "$vg/${name%_old}" >/dev/null 2>&1 || echo "lvrename -q $vg $name ${name%_old}" ;;
        esac
    done
}

settle | lvm >/dev/null
lvs=$(lvm lvs -q --noheadings --separator ' ' -o vg_name,lv_name,lv_tags 2>/dev/null)

# volumes: lines `VG LV TAGS`, between commas, of complete volumes.
volumes() {
    printf '%s\n' "$lvs" | while read -r vg name tags; do
        case $name,$tags, in
            cgctl-*_new,* | cgctl-*_old,* | cgctl-*_was,* | cgctl-*,cgctl.making=1,*) ;;
            cgctl-*,*cgctl.group=*)
                # A group whose revert was cut is not served half: backend-check --repair ends it.
                group=,$tags,
                group=${group#*,cgctl.group=}
                case $lvs in *cgctl.reverting="${group%%,*}"/*) ;; *) printf '%s %s ,%s,\n' "$vg" "$name" "$tags" ;; esac
                ;;
            cgctl-*,cgctl.kind=volume,*) printf '%s %s ,%s,\n' "$vg" "$name" "$tags" ;;
        esac
    done
}

volumes | while read -r vg name _; do printf '%s/%s\n' "$vg" "$name"; done | xargs -r -n 40 lvm lvchange -q -ay
failed=0
volumes >/run/cgctl-lvm-gates
while read -r vg name tags; do
    bytes=${tags#*,cgctl.bytes=}
    bytes=${bytes%%,*}
    [ -e "/dev/mapper/$name" ] || dmsetup create "$name" --uuid "CGCTL-${name#cgctl-}" \
        --table "0 $((bytes / 512)) linear /dev/$vg/$name 0" || failed=1
    case $tags in
        *,cgctl.fs=xfs,*)
            place=/run/cgctl/volumes/$name
            group=${tags#*,cgctl.group=} # as is_fenced in pool.sh
            case $lvs in *cgctl.side="${group%%,*}"/????????-????-????-????-????????????/fenced*) continue ;; esac
            grep -q " $place " /proc/self/mountinfo ||
                { mkdir -p "$place" && mount -t xfs -o nouuid,nosuid,nodev "/dev/mapper/$name" "$place"; } || failed=1
            ;;
    esac
done </run/cgctl-lvm-gates
rm -f /run/cgctl-lvm-gates
exit "$failed"
