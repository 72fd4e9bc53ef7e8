# changes.sh ... GROUP SET BASE: `changed BYTES LAST_WRITE`: how one group snapshot differs from an older one. The time is
# that of the live disks where they are still there, since not every copy keeps it.
# shellcheck disable=SC2154 # from notes.sh and pool.sh
set_id=$1 base=$2
own
marked "$set_id"
marked "$base"
sizes() {
    (cd "groupsnap/cgctl-$1" && stat -c '%n %s' cgctl-*/disk)
}
bytes=$(changed_bytes "$set_id" "$base")
if [ "$bytes" = 0 ] && [ "$(sizes "$set_id")" != "$(sizes "$base")" ]; then bytes=1; fi
place=live/cgctl-$group
[ -d "$place" ] || place=groupsnap/cgctl-$set_id
printf 'changed %s %s\n' "$bytes" "$(stat -c %.6Y "$place"/cgctl-*/disk | sort -n | sed -n '$p')"
