# create_consistencygroup_from_src.sh ... GROUP SOURCE SET BOUND_CENTISECONDS: a group with copies of members.
# Standard input: one line `NEW_VOLUME SOURCE_VOLUME BYTES` per volume. SOURCE: the id of SET, or of a group. Live members are
# held, as for a group snapshot. The group's tag comes last; until then its volumes are incomplete.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
group=$1 source_group=$2 set=$3 bound=$4
members=$(cat)
lock
claim
! has_group "$group" || exit 0
[ -z "$set" ] || marked "$set"

remove_made() {
    tagged "cgctl.group=$group"
    for word in $found; do remove_gate "$word"; done
    # shellcheck disable=SC2086 # names
    lvs_of $found
    [ -z "$paths" ] || change "lvremove -fy -q$paths"
}

mode='-kn -ay'
[ -n "$set" ] || mode='-ky'
lines='' later='' names='' gates=''
while read -r volume member bytes; do
    whole_sectors "$bytes"
    source=cgctl-${set:+${set}_}$member
    source_fits "$source" "$bytes"
    [ -n "$set" ] || case $tags in
        *",cgctl.group=$source_group,"*) ;;
        *) refuse not-on-server "volume $member is not in the group $source_group" ;;
    esac
    new_tags="--addtag cgctl.kind=volume --addtag cgctl.bytes=$bytes --addtag cgctl.group=$group"
    lines="${lines}lvcreate -q -An -s $mode --monitor n -n cgctl-$volume $new_tags $vg/$source$nl"
    [ "$lv_bytes" -ge "$bytes" ] || later="${later}lvextend -q -An -L ${bytes}b $vg/cgctl-$volume$nl"
    [ -n "$set" ] || make_gate "$member" "$value"
    names="$names $volume" gates="$gates cgctl-$member"
done <<END
$members
END
room
remove_made
# shellcheck disable=SC2086 # names
lvs_of $names
undo() {
    # shellcheck disable=SC2086 # names
    release $gates
    if [ "$1" != 0 ]; then
        look
        has_group "$group" || remove_made
    fi
    exit "$1"
}
if [ -n "$set" ]; then
    lines=$lines$later
else
    # shellcheck disable=SC2086 # names
    hold "$bound" "$lines" $gates
    [ -n "$whole" ] || refuse hold-broken "the hold did not stand for $((bound / 100)) s: nothing of the clone is kept"
    lines="lvchange -q -An -kn$paths${nl}lvchange -q -An -ay$paths$nl$later"
fi
change "$lines"
while read -r volume member bytes; do
    find_lv "cgctl-$volume" || exit 1
    [ "$lv_bytes" -ge "$bytes" ] || exit 1
    make_gate "$volume" "$bytes"
done <<END
$members
END
change "lvchange -q --addtag cgctl.group=$group $pool"
of_pool
has_group "$group"
