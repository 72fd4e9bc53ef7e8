#!/bin/sh
# Take everything off a host that a test may have left: exports, mounts, subvolumes, cgctl's own files.
#   clean.sh IP
set -eu
ip=$1
pool=/srv/pool
exports_conf=/etc/ganesha/cgctl-exports.conf

ganesha() { # ganesha METHOD ARGUMENT...
    method=$1
    shift
    dbus-send --system --print-reply --dest=org.ganesha.nfsd /org/ganesha/nfsd/ExportMgr \
        "org.ganesha.nfsd.exportmgr.$method" "$@"
}

delete_iscsi() {
    tgtadm --lld iscsi --op show --mode target | sed -n 's/^Target \([0-9]*\):.*/\1/p' |
        while read -r tid; do tgtadm --lld iscsi --op delete --mode target --tid "$tid" --force; done
    tgtadm --lld iscsi --op show --mode account | sed -n 's/^ *\([^ :]*\)$/\1/p' |
        while read -r user; do tgtadm --lld iscsi --op delete --mode account --user "$user"; done
}

# Export 0 is ganesha's own pseudo root.
delete_nfs() {
    ganesha ShowExports | sed -n 's/^ *uint16 \([1-9][0-9]*\)$/\1/p' |
        while read -r id; do ganesha RemoveExport "uint16:$id" >/dev/null; done
}

unmount_exports() {
    device=$(findmnt -no SOURCE "$pool")
    findmnt -nlo TARGET,SOURCE -t btrfs | grep -F "$device" | cut -d' ' -f1 | sort -ru |
        while read -r place; do [ "$place" = "$pool" ] || umount "$place"; done
}

# Deepest first; the paths are relative to the pool.
delete_subvolumes() {
    btrfs subvolume list "$pool" | sed 's/^ID.* path //' | awk -F/ '{ print NF "\t" $0 }' | sort -rn | cut -f2- |
        while read -r path; do btrfs -q subvolume delete "$pool/$path" >/dev/null; done
    find "$pool" -mindepth 1 -delete
}

# A service that a test stopped, killed or misled with a broken configuration runs again afterwards.
revive() {
    sh /mnt/services.sh continue "$1" "$ip"
    sh /mnt/services.sh answers "$1" "$ip" && return
    sh /mnt/services.sh stop "$1" "$ip"
    sh /mnt/services.sh start "$1" "$ip"
    sh /mnt/services.sh wait "$1" "$ip"
}

: >"$exports_conf"
for service in sshd tgtd dbus ganesha; do revive "$service"; done
delete_iscsi
delete_nfs
unmount_exports
delete_subvolumes
btrfs filesystem sync "$pool" >/dev/null # else a power loss would bring the old files back
rm -rf /var/lib/cgctl /run/cgctl /run/lock/cgctl* /run/export
