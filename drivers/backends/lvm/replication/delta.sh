# Shared by what compares two group snapshots by their mappings.
# shellcheck disable=SC2034,SC2154 # of pool.sh and notes.sh

# delta_jobs SET BASE: $jobs for map.pl, $members of SET; what BASE has not, or there is no BASE, counts as a whole.
delta_jobs() {
    jobs='' grown=''
    tagged "cgctl.set=$1"
    members=$found
    for word in $members; do
        volume=${word#"$1_"}
        deep LVM2_THIN_ID "cgctl-$word" || exit 1
        id=$value
        if [ -n "$2" ] && deep LVM2_THIN_ID "cgctl-$2_$volume"; then
            jobs="${jobs}delta $word.ranges $id $value$nl"
            find_lv "cgctl-$word" && tag cgctl.bytes
            bytes=$value
            find_lv "cgctl-$2_$volume" && tag cgctl.bytes
            [ "$bytes" = "$value" ] || grown=yes
        else
            jobs="${jobs}whole $word.ranges $id$nl"
        fi
    done
}

# of_maps: $bytes to look at in $ranges ranges, of all that was mapped.
of_maps() {
    bytes=0 ranges=0
    while read -r _ more count; do
        [ -z "$count" ] || bytes=$((bytes + more)) ranges=$((ranges + count))
    done <<END
$mapped
END
}
