# create_consistencygroup_from_src.sh ... GROUP SOURCE SET BOUND_CENTISECONDS: a group with copies of members.
# Standard input: one line `NEW_VOLUME SOURCE_VOLUME BYTES` per volume. SOURCE: the id of SET, or of a group. Live members are
# held, as for a group snapshot. The group's tag comes last; until then its volumes are incomplete.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
group=$1 source_group=$2 set=$3 bound=$4
members=$(cat)
lock
own
! has_group "$group" || exit 0
[ -z "$set" ] || marked "$set"

remove_made() {
    tagged "cgctl.group=$group"
    for word in $found; do remove_gate "$word"; done
    # shellcheck disable=SC2086 # names
    removed $found
}

mode='-kn -ay'
[ -n "$set" ] || mode='-ky --noudevsync'
snapshots='' later='' names='' gates=''
while read -r volume member bytes; do
    whole_sectors "$bytes"
    source=cgctl-${set:+${set}_}$member
    source_fits "$source" "$bytes"
    [ -n "$set" ] || case $tags in
        *",cgctl.group=$source_group,"*) ;;
        *) refuse not-on-server "volume $member is not in the group $source_group" ;;
    esac
    new_tags="--addtag cgctl.kind=volume --addtag cgctl.bytes=$bytes --addtag cgctl.group=$group"
    new_tags="$new_tags${file_system:+ --addtag cgctl.fs=$file_system}"
    snapshots="${snapshots}lvcreate -q -An -s $mode --ignoremonitoring -n cgctl-$volume $new_tags $vg/$source$nl"
    [ "$lv_bytes" -ge "$bytes" ] || later="${later}lvextend -q -An -L ${bytes}b $vg/cgctl-$volume$nl"
    [ -n "$set" ] || make_gate "$member" "$value"
    names="$names $volume" gates="$gates cgctl-$member"
done <<END
$members
END
room
remove_made
undo() {
    # shellcheck disable=SC2086 # names
    release $gates
    if [ "$1" != 0 ]; then
        end_lvm
        look
        has_group "$group" || remove_made
    fi
    exit "$1"
}
if [ -n "$set" ]; then
    change "$snapshots$later"
else
    # shellcheck disable=SC2086 # names
    hold "$bound" "$snapshots" $gates
    [ -n "$whole" ] || refuse hold-broken "the hold did not stand for $((bound / 100)) s: nothing of the clone is kept"
    # shellcheck disable=SC2086 # names
    each_lv 'lvchange -q -An -kn' $names
    awake=$lines
    # shellcheck disable=SC2086 # names
    each_lv 'lvchange -q -An -ay' $names
    change "$awake$nl$lines$nl$later"
fi
while read -r volume member bytes; do
    find_lv "cgctl-$volume" || exit 1
    [ "$lv_bytes" -ge "$bytes" ] || exit 1
    make_gate "$volume" "$bytes"
    grow_file_system "$volume"
done <<END
$members
END
change "lvchange -q --addtag cgctl.group=$group $pool"
of_pool
has_group "$group"
