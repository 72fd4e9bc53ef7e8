# extend_volume.sh ... CONTAINER VOLUME BYTES
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
volume=$2 bytes=$3
name=cgctl-$volume
whole_sectors "$bytes"
lock
own
if ! find_lv "$name" || ! tag cgctl.bytes; then
    refuse not-on-server "volume $volume is not in the pool"
fi
before=$value
is volume
[ "$before" -le "$bytes" ] || refuse refused "volume $volume has $before bytes: it is never made smaller"
if [ "$before" != "$bytes" ]; then
    room
    [ "$lv_bytes" -ge "$bytes" ] || change "lvextend -q -L ${bytes}b $vg/$name"
    find_lv "$name"
    [ "$lv_bytes" -ge "$bytes" ] || exit 1
    change "lvchange -q --deltag cgctl.bytes=$before --addtag cgctl.bytes=$bytes $vg/$name"
fi
grow_gate "$volume" "$bytes"
