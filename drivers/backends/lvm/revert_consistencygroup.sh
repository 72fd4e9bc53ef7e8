# revert_consistencygroup.sh ... GROUP SET KEPT: copies of the members of the set SET take the place of the group's; those
# that were there become the group snapshot KEPT, or are removed where it is empty.
# Standard input: one line `VOLUME BYTES BYTES_IN_SET` per member, which has BYTES afterwards, too. Prints KEPT's receipt.
#   cgctl-VOLUME_new   the copies   ·   cgctl-VOLUME_was   what was there, until it is removed
# The decision is one tag of the pool, cgctl.reverting: before it nothing has happened, behind it whoever gets the lock
# ends the exchange (settle_group of reverts.sh), and until then the group is not served.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
group=$1 set=$2 kept=$3
members=$(cat)
lock
own
if [ -n "$kept" ] && mark_of "$kept"; then
    receipt
    exit 0
fi
has_group "$group" || refuse not-on-server "group $group is not in the pool"
marked "$set"
copies='' names='' gates='' count=0
while read -r volume bytes bytes_in_set; do
    expected "$volume" "$bytes"
    volume_tags=''
    IFS=,
    for word in ${tags#,}; do volume_tags="$volume_tags --addtag $word"; done
    unset IFS
    find_lv "cgctl-${set}_$volume" && tag cgctl.bytes && [ "$value" = "$bytes_in_set" ] ||
        refuse refused "volume $volume is not in the group snapshot with $bytes_in_set bytes"
    [ "$bytes_in_set" -le "$bytes" ] || refuse refused "volume $volume is smaller than it was in the group snapshot"
    copies="${copies}lvcreate -q -An -s -kn -an -prw -n cgctl-${volume}_new$volume_tags $vg/cgctl-${set}_$volume$nl"
    [ "$lv_bytes" -ge "$bytes" ] || copies="${copies}lvextend -q -An -L ${bytes}b $vg/cgctl-${volume}_new$nl"
    names="$names $volume" gates="$gates cgctl-$volume"
    count=$((count + 1))
done <<END
$members
END
tagged "cgctl.group=$group"
found_count=0
for word in $found; do case $word in *_new) ;; *) found_count=$((found_count + 1)) ;; esac; done
[ "$found_count" = "$count" ] || refuse refused "group $group has $found_count volumes in the pool, not $count"
tagged "cgctl.set=$set"
# shellcheck disable=SC2086 # names
set -- $found
[ $# = "$count" ] || refuse refused "group snapshot $set has $# members, not $count"
room
mount_members() {
    for word in $names; do mount_volume "$word"; done
}
busy=''
for word in $names; do unmount_volume "$word" || busy=$word; done
# shellcheck disable=SC2086 # names
for word in $(dmsetup info -c --noheadings --separator , -o name,open $gates 2>/dev/null); do
    [ "${word#*,}" = 0 ] || busy=${word%,*}
done
if [ -n "$busy" ]; then
    mount_members
    refuse busy "volume ${busy#cgctl-} is in use: end its export first"
fi
remove_copies() {
    stale=''
    for word in $names; do ! find_lv "cgctl-${word}_new" || stale="$stale ${word}_new"; done
    # shellcheck disable=SC2086 # names
    removed $stale
}
undo() {
    if [ "$1" != 0 ]; then
        look
        case $pool_tags in
            *,cgctl.reverting=*) ;;
            *)
                remove_copies
                mount_members
                ;;
        esac
    fi
    exit "$1"
}
remove_copies
change "$copies"
while read -r volume bytes _; do
    find_lv "cgctl-${volume}_new" || exit 1
    [ "$lv_bytes" -ge "$bytes" ] || exit 1
done <<END
$members
END
change "lvchange -q --addtag cgctl.reverting=$group/$kept/$count/$(clock) $pool"
of_pool
case $pool_tags in *,cgctl.reverting=*) ;; *) exit 1 ;; esac
settle_group
case $pool_tags in *,cgctl.reverting=*) exit 1 ;; esac
[ -z "$kept" ] || { mark_of "$kept" && receipt; }
