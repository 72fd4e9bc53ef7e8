# copy_volume.sh ... CONTAINER VOLUME BYTES PATH STREAM_BYTES: a volume with the data of a file or block device of this
# server; PATH -: of standard input, STREAM_BYTES of it. The volume group is not locked while the data come: the volume
# has its tag cgctl.making until the end.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
group=$1 volume=$2 bytes=$3 path=$4 stream=$5
[ "$group" != "$volume" ] || group=''
name=cgctl-$volume
need blockdev cmp dd stat
whole_sectors "$bytes"
if [ "$path" = - ]; then
    there=$stream
elif [ -b "$path" ]; then
    there=$(blockdev --getsize64 "$path")
elif [ -f "$path" ]; then
    there=$(stat -c %s "$path")
else
    refuse not-on-server "$path is not on this server"
fi
[ "$there" -le "$bytes" ] || refuse refused "$path has $there bytes, more than the $bytes of the new volume"
lock
claim
! find_lv "$name" || is volume
if find_lv "$name" && ! tag cgctl.making; then
    tag cgctl.bytes || :
    [ "$value" = "$bytes" ] || refuse already-on-server "volume $volume has $value bytes"
    make_gate "$volume" "$bytes"
    exit 0
fi
[ -z "$group" ] || has_group "$group" || refuse not-on-server "group $group is not in the pool"
room
find_lv "$name" || [ ! -e "/dev/$vg/$name" ] ||
    refuse already-on-server "another pool of the volume group $vg has volume $volume: names of LVs are the group's"
if find_lv "$name"; then # what a killed run left
    remove_gate "$volume"
    removed "$volume"
fi
new_tags="--addtag cgctl.kind=volume --addtag cgctl.bytes=$bytes --addtag cgctl.making=1"
new_tags="$new_tags${group:+ --addtag cgctl.group=$group}${file_system:+ --addtag cgctl.fs=$file_system}"
undo() {
    if [ "$1" != 0 ]; then
        [ -n "$locked" ] || lock
        change
        if find_lv "$name" && tag cgctl.making; then
            remove_gate "$volume"
            change "lvremove -fy -q $vg/$name"
        fi
    fi
    exit "$1"
}
copy_failed() { # for want of room, where that is so
    look
    room
    exit 1
}
# dmeventd, which gives a pool more room where the operator wants that, looks every 10 s.
await_room() {
    patience=12
    until has_room_for "$1"; do
        patience=$((patience - 1))
        [ "$patience" -gt 0 ] || {
            look
            room
            refuse pool-full "$pool has no room for this copy: data $data % (lvextend -L+10G $pool, or delete snapshots)"
        }
        sleep 1
    done
}
# fill TOTAL: the volume from standard input; TOTAL as for `measured`. Zeros are not written. A slice at a time, each on
# the disk before the next: a copy must not take the last room of a pool that others write to.
fill() {
    copied=0 slice=$((pool_bytes / 64 / 1048576))
    [ "$slice" -le 64 ] || slice=64
    [ "$slice" -ge 1 ] || slice=1
    while [ "$copied" -lt "$there" ]; do
        await_room "$((slice * 1048576))"
        told=$(measured "$copied" "$1" rchar 1 dd bs=1M count="$slice" seek="$((copied / 1048576))" iflag=fullblock \
            conv=sparse,nocreat,notrunc,fsync of="/dev/$vg/$name" 2>&1) || copy_failed
        part=$(printf '%s\n' "$told" | sed -n 's/^\([0-9]*\) bytes.* copied.*$/\1/p')
        [ "${part:-0}" -gt 0 ] || break
        copied=$((copied + part))
    done
    copied=$((copied + $(head -c 1 | wc -c)))
    [ "$copied" = "$there" ] || refuse refused "$copied bytes arrived, not $there"
}
change "lvcreate -q -An -V ${bytes}b -T $pool -n $name $new_tags"
find_lv "$name" || exit 1
unlock
if [ "$path" = - ]; then
    fill "$there"
else
    fill "$((2 * there))" <"$path"
    measured "$there" "$((2 * there))" rchar 2 cmp -s -n "$there" "$path" "/dev/$vg/$name" ||
        refuse refused "the copy of $path differs from it: somebody wrote, or a device fails"
fi
lock
change
find_lv "$name" || exit 1
[ -z "$file_system" ] || [ "$(dd if="/dev/$vg/$name" bs=4 count=1 status=none)" = XFSB ] ||
    refuse refused "what came is no xfs file system, as volumes of $pool are"
if ! is_elsewhere "$volume"; then
    make_gate "$volume" "$bytes"
    grow_file_system "$volume"
fi
change "lvchange -q --deltag cgctl.making=1 $vg/$name"
find_lv "$name" && ! tag cgctl.making
all_done "$((2 * there))"
