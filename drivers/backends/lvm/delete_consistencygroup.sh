# delete_consistencygroup.sh ... GROUP; standard input: one volume id per line.
# Prints `deleted ID` or `error_deleting ID REASON` for each volume, and then for the group.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
group=$1
volumes=$(cat)
lock
own

gone=''
for volume in $volumes; do
    ! find_lv "cgctl-$volume" || is volume
    drop_gate "$volume" || continue
    ! find_lv "cgctl-$volume" || gone="$gone $volume"
done
# shellcheck disable=SC2086 # names
each_lv 'lvremove -fy -q' $gone
[ -z "$lines" ] || change "$lines"
for volume in $volumes; do
    if find_lv "cgctl-$volume"; then
        tag cgctl.bytes || :
        make_gate "$volume" "$value"
        printf 'error_deleting %s is in use: end its export first\n' "$volume"
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
of_pool
if has_group "$group"; then
    printf 'error_deleting %s its tag cannot be removed\n' "$group"
else
    printf 'deleted %s\n' "$group"
fi
