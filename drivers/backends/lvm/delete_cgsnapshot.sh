# delete_cgsnapshot.sh ... GROUP_SNAPSHOT: without its mark it is void, whatever happens next.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
lock
own
tagged "cgctl.set=$1"
mark=${pool_tags#*",cgctl.mark=$1/"}
unmark=''
[ "$mark" = "$pool_tags" ] || unmark="lvchange -q --deltag cgctl.mark=$1/${mark%%,*} $pool"
# shellcheck disable=SC2086 # names
each_lv 'lvremove -fy -q' $found
[ -n "$unmark$lines" ] || exit 0
change "$unmark" "$lines"
of_pool
tagged "cgctl.set=$1"
[ -z "$found" ] || refuse busy "snapshots of the set cannot be removed:$found"
case $pool_tags in *",cgctl.mark=$1/"*) exit 1 ;; esac
