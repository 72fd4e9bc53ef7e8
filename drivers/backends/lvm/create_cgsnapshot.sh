# create_cgsnapshot.sh ... GROUP_SNAPSHOT GROUP BOUND_CENTISECONDS; standard input: lines `VOLUME BYTES`, all members.
# Prints the receipt: METHOD MEMBERS BEGAN ENDED BOUND_CENTISECONDS. With slashes, behind the set's and the group's id,
# it is the commit mark.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
set_id=$1 group=$2 bound=$3
members=$(cat)

remove_set() {
    tagged "cgctl.set=$set_id"
    # shellcheck disable=SC2086 # names
    removed $found
}

lock
own
if mark_of "$set_id"; then
    receipt
    exit 0
fi
has_group "$group" || refuse not-on-server "group $group is not in the pool"
snapshots='' gates='' count=0
while read -r volume bytes; do
    expected "$volume" "$bytes"
    make_gate "$volume" "$bytes"
    how='-An -s -ky -pr --noudevsync --ignoremonitoring'
    set_tags="--addtag cgctl.kind=member --addtag cgctl.set=$set_id --addtag cgctl.volume=$volume"
    snapshots="${snapshots}lvcreate -q $how -n cgctl-${set_id}_$volume $set_tags \
--addtag cgctl.bytes=$bytes $vg/cgctl-$volume$nl"
    gates="$gates cgctl-$volume"
    count=$((count + 1))
done <<END
$members
END
tagged "cgctl.group=$group"
# shellcheck disable=SC2086 # names
set -- $found
[ $# = "$count" ] || refuse refused "group $group has $# volumes in the pool, not $count"
room
remove_set

undo() {
    # shellcheck disable=SC2086 # names
    release $gates
    if [ "$1" != 0 ]; then
        end_lvm
        look
        mark_of "$set_id" || remove_set
    fi
    exit "$1"
}
# shellcheck disable=SC2086 # names
hold "$bound" "$snapshots" $gates
[ -n "$whole" ] || refuse hold-broken "the hold did not stand for $((bound / 100)) s: nothing of the set is kept"
change
tagged "cgctl.set=$set_id"
# shellcheck disable=SC2086 # names
set -- $found
[ $# = "$count" ] || exit 1
value=$set_id/$group/lvm-gates/$count/$began_at/$ended_at/$bound
change "lvchange -q --addtag cgctl.mark=$value $pool"
of_pool
mark_of "$set_id"
receipt
