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

clock() {
    date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00
}

# exactly CONTAINER: refuse unless these and only these members are in it, with the sizes that are expected. One stat
# for all; only a difference is looked at member by member.
exactly() {
    found=0
    for path in "$1"/cgctl-*; do
        [ ! -e "$path" ] || found=$((found + 1))
    done
    [ "$found" = "$expected" ] || refuse refused "group $group has $found volumes in the pool, not $expected"
    there=$(stat -c '%n %s' "$1"/cgctl-*/disk 2>/dev/null | sed 's,^.*/cgctl-\(.*\)/disk ,\1 ,' | sort)
    [ "$there" = "$(printf '%s\n' "$members" | sort)" ] || differs "$1"
}

differs() {
    while read -r volume bytes; do
        [ -e "$1/cgctl-$volume/disk" ] || refuse not-on-server "member $volume is not in the pool"
        [ "$(size "$1/cgctl-$volume/disk")" = "$bytes" ] ||
            refuse refused "member $volume has $(size "$1/cgctl-$volume/disk") bytes, not $bytes"
    done <<END
$members
END
    refuse refused "group $group has other members in the pool than it should"
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
set --
while read -r volume _; do
    set -- "$@" "$volume"
done <<END
$members
END
expected=$#
exactly "live/cgctl-$group"
is_atomic || needed_room "live/cgctl-$group"/cgctl-*/disk
stage groupsnap group_snapshot "$set_id"

is_atomic || before=$(stamps "$@")
began_at=$(clock)
centiseconds
began=$now
freeze_members "live/cgctl-$group" "$staging" "$@"
centiseconds
ended_at=$(clock)
[ "$((now - began))" -le "$bound" ] || broken
is_atomic || [ "$before" = "$(stamps "$@")" ] ||
    refuse hold-broken "a writer was active: a member changed while it was copied"
exactly "$staging"
is_atomic || sync "$staging"/cgctl-*/disk "$staging"/cgctl-* "$staging"

receipt="$(hold_method) $expected $began_at $ended_at $bound"
settled=groupsnap/cgctl-$set_id
mv -T "$staging" "$settled"
staging=$settled
sync groupsnap
printf '%s %s\n' "$group" "$receipt" >"$mark.new"
sync "$mark.new"
staging=''
mv -T "$mark.new" "$mark"
sync .cgctl/sets
printf '%s\n' "$receipt"
