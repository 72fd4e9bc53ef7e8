# delete_consistencygroup.sh ... GROUP; standard input: one volume id per line.
# Prints `deleted ID` or `error_deleting ID REASON` for each volume, and then for the group.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
group=$1
volumes=$(cat)
lock
own

# close_gate VOLUME: $reason is empty, or why it stays.
close_gate() {
    reason=''
    ! has_gate "$1" || reason=$(dmsetup remove "cgctl-$1" 2>&1) || :
    ! has_gate "$1" || reason="in use: ${reason:-its gate cannot be removed}"
}

set --
for volume in $volumes; do
    close_gate "$volume"
    if [ -z "$reason" ] && find_lv "cgctl-$volume"; then
        set -- "$@" "$vg/cgctl-$volume"
    fi
done
[ $# = 0 ] || change "lvremove -fy -q $*"
for volume in $volumes; do
    if find_lv "cgctl-$volume"; then
        tag cgctl.bytes || :
        make_gate "$volume" "$value"
        printf 'error_deleting %s in use on the server\n' "$volume"
    else
        printf 'deleted %s\n' "$volume"
    fi
done
tagged "cgctl.group=$group"
if [ -n "$found" ]; then
    printf 'error_deleting %s still has%s\n' "$group" "$found"
    exit 0
fi
! has_group "$group" || change "lvchange -q --deltag cgctl.group=$group $pool"
look
if has_group "$group"; then
    printf 'error_deleting %s its tag cannot be removed\n' "$group"
else
    printf 'deleted %s\n' "$group"
fi
