# delete_cgsnapshot.sh ... GROUP_SNAPSHOT: without its mark it is void, whatever happens next.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
lock
own
tagged "cgctl.set=$1"
mark=${pool_tags#*",cgctl.mark=$1/"}
set -- "$1" "$found" "$mark"
if [ "$mark" != "$pool_tags" ]; then
    change "lvchange -q --deltag cgctl.mark=$1/${mark%%,*} $pool"
fi
# shellcheck disable=SC2086 # names
lvs_of $2
[ -z "$paths" ] || change "lvremove -fy -q$paths"
look
tagged "cgctl.set=$1"
[ -z "$found" ] || refuse busy "snapshots of the set cannot be removed:$found"
case $pool_tags in *",cgctl.mark=$1/"*) exit 1 ;; esac
