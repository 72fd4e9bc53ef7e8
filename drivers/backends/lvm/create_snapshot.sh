# create_snapshot.sh ... SNAPSHOT CONTAINER VOLUME
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
snapshot=$1 volume=$3
lock
own
if find_lv "cgctl-$snapshot"; then
    is snapshot
    exit 0
fi
if ! find_lv "cgctl-$volume" || ! tag cgctl.bytes; then
    refuse not-on-server "volume $volume is not in the pool"
fi
room
flush "cgctl-$volume"
tags="--addtag cgctl.kind=snapshot --addtag cgctl.bytes=$value --addtag cgctl.volume=$volume"
change "lvcreate -q -s -ky -pr -n cgctl-$snapshot $tags $vg/cgctl-$volume"
find_lv "cgctl-$snapshot"
