# delete_consistencygroup.sh ... GROUP; standard input: one volume id per line.
# Prints `deleted ID` or `error_deleting ID REASON` for each volume, and then for the group.
group=$1
own
lock "$group"

attempt() { # attempt ID COMMAND...: run it; one line of result.
    id=$1
    shift
    set +e
    reason=$( (set -e; "$@") 2>&1)
    status=$?
    set -e
    if [ "$status" = 0 ]; then
        printf 'deleted %s\n' "$id"
    else
        printf 'error_deleting %s %s\n' "$id" "$(printf %s "$reason" | tr '\n' ' ')"
    fi
}

remove_group() {
    rm -rf "live/cgctl-$group"/.staging-*
    for member in "live/cgctl-$group"/cgctl-*; do
        if [ -e "$member" ]; then
            echo "still has ${member##*/cgctl-}" >&2
            return 1
        fi
    done
    vanish "live/cgctl-$group" group "$group"
}

volumes=$(cat)
for volume in $volumes; do
    attempt "$volume" remove_volume "$volume"
done
attempt "$group" remove_group
