# delete_snapshot.sh ... SNAPSHOT
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
lock
own
find_lv "cgctl-$1" || exit 0
is snapshot
change "lvremove -fy -q $vg/cgctl-$1"
! find_lv "cgctl-$1" || refuse busy "snapshot $1 cannot be removed: something on the server uses it"
