# unmanage.sh ... VOLUME REFERENCE: a volume that is in no group becomes a thin LV like others.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
lock
own
if find_lv "cgctl-$1"; then
    is volume
    ! find_lv "$2" || refuse already-on-server "$vg/$2 is there already"
    remove_gate "$1"
fi
give_back "cgctl-$1" "$2"
