# create_cgsnapshot.sh ... GROUP_SNAPSHOT GROUP BOUND_CENTISECONDS; standard input: lines `VOLUME BYTES`, all members.
# Prints the receipt: METHOD MEMBERS BEGAN ENDED BOUND_CENTISECONDS. The same line, behind the group's id, is the commit
# mark: without it the set is void.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh
set_id=$1 group=$2 bound=$3
mark=.cgctl/sets/cgctl-$set_id
members=$(cat)

centiseconds() { # of the server's monotonic clock, in $now
    read -r now _ </proc/uptime
    now=${now%.*}${now#*.}
}

# within COMMAND...: run it in what is left of the bound; afterwards writers wait no longer for it.
within() {
    centiseconds
    left=$((began + bound - now))
    [ "$left" -gt 0 ] || broken
    timeout -k 1 "$(printf '%d.%02d' "$((left / 100))" "$((left % 100))")" "$@" && return 0
    status=$?
    centiseconds
    [ "$((now - began))" -lt "$bound" ] || broken
    return "$status"
}

broken() {
    refuse hold-broken "the snapshot was not done within $((bound / 100)) s: nothing of it is kept"
}

own
lock "$set_id" "$group"
if [ -e "$mark" ] && [ -e "groupsnap/cgctl-$set_id" ]; then
    read -r _ receipt <"$mark"
    printf '%s\n' "$receipt"
    exit 0
fi
rm -f "$mark"
remove_tree "groupsnap/cgctl-$set_id"
[ -d "live/cgctl-$group" ] || refuse not-on-server "group $group is not in the pool"
# shellcheck disable=SC2046 # ids
set -- $(ids_of "$members")
exactly "live/cgctl-$group" "$members"
is_atomic || needed_room "live/cgctl-$group"/cgctl-*/disk
stage groupsnap group_snapshot "$set_id"

prepare_hold "live/cgctl-$group"
is_atomic || before=$(stamps "$@")
began_at=$(clock)
centiseconds
began=$now
freeze_members "live/cgctl-$group" "$staging" "$@"
centiseconds
ended_at=$(clock)
release_hold
[ "$((now - began))" -le "$bound" ] || broken
is_atomic || [ "$before" = "$(stamps "$@")" ] ||
    refuse hold-broken "a writer was active: a member changed while it was copied"
exactly "$staging" "$members"
is_atomic || sync "$staging"/cgctl-*/disk "$staging"/cgctl-* "$staging"

receipt="$(hold_method) $# $began_at $ended_at $bound"
settled=groupsnap/cgctl-$set_id
mv -T "$staging" "$settled"
staging=$settled
sync groupsnap
prepare_mark "$set_id" "$group $receipt"
staging=''
settle_mark "$set_id"
printf '%s\n' "$receipt"
