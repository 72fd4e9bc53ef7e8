# delete_volume.sh ... CONTAINER VOLUME
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
volume=$2
lock
own
! find_lv "cgctl-$volume" || is volume
remove_gate "$volume"
find_lv "cgctl-$volume" || exit 0
tag cgctl.bytes || :
change "lvremove -fy -q $vg/cgctl-$volume"
find_lv "cgctl-$volume" || exit 0
make_gate "$volume" "$value"
refuse busy "volume $volume cannot be removed: something on the server uses it"
