# create_volume.sh ... CONTAINER VOLUME BYTES SOURCE SET: a volume of zeros, or with the data of the LV SOURCE.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
group=$1 volume=$2 bytes=$3 source=$4 set=$5
[ "$group" != "$volume" ] || group=''
name=cgctl-$volume
whole_sectors "$bytes"
[ -z "$file_system" ] || [ "$bytes" -ge 314572800 ] || refuse refused "an xfs file system has at least 300 MiB"
lock
claim
! find_lv "$name" || is volume
if find_lv "$name" && ! tag cgctl.making; then
    tag cgctl.bytes || :
    [ "$value" = "$bytes" ] || refuse already-on-server "volume $volume has $value bytes"
    tag cgctl.group || :
    [ "$value" = "$group" ] || refuse already-on-server "volume $volume stands in ${value:-no group}"
    make_gate "$volume" "$bytes"
    exit 0
fi
[ -z "$group" ] || has_group "$group" || refuse not-on-server "group $group is not in the pool"
[ -z "$set" ] || marked "$set"
[ -z "$source" ] || source_fits "$source" "$bytes"
room
if find_lv "$name"; then # what a killed run left
    remove_gate "$volume"
    removed "$volume"
fi
new_tags="--addtag cgctl.kind=volume --addtag cgctl.bytes=$bytes --addtag cgctl.making=1"
new_tags="$new_tags${group:+ --addtag cgctl.group=$group}${file_system:+ --addtag cgctl.fs=$file_system}"
undo() {
    if [ "$1" != 0 ] && find_lv "$name"; then
        remove_gate "$volume"
        change "lvremove -fy -q $vg/$name"
    fi
    exit "$1"
}
if [ -z "$source" ]; then
    change "lvcreate -q -An -V ${bytes}b -T $pool -n $name $new_tags"
else
    flush "$source"
    find_lv "$source"
    set -- "lvcreate -q -An -s -kn -ay -n $name $new_tags $vg/$source"
    [ "$lv_bytes" -ge "$bytes" ] || set -- "$@" "lvextend -q -An -L ${bytes}b $vg/$name"
    change "$@"
fi
find_lv "$name" || exit 1
[ "$lv_bytes" -ge "$bytes" ] || exit 1
open_gate "$volume" "$bytes"
[ "$file_system" != xfs ] || [ -n "$source" ] || mkfs.xfs -q -K "/dev/mapper/$name"
make_gate "$volume" "$bytes"
grow_file_system "$volume"
change "lvchange -q --deltag cgctl.making=1 $vg/$name"
find_lv "$name" && ! tag cgctl.making
