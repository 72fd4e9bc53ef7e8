# unmanage_snapshot.sh ... SNAPSHOT REFERENCE: a snapshot of a single volume becomes a thin LV like others.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
lock
own
! find_lv "cgctl-$1" || is snapshot
give_back "cgctl-$1" "$2"
