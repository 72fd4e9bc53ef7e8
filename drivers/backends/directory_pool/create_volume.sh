# create_volume.sh ... CONTAINER VOLUME BYTES SOURCE SET: a volume of zeros, or with the data of the file SOURCE.
# CONTAINER is the group, or the volume itself when it is in none. SET: the group snapshot that SOURCE is a member of.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh
container=$1 volume=$2 bytes=$3 source=$4 set=$5
place=live/cgctl-$container/cgctl-$volume
if [ "$container" = "$volume" ] && [ -z "$source" ]; then claim; else own; fi
lock "$container" "$volume"
if [ -e "$place" ]; then
    [ "$(size "$place/disk")" = "$bytes" ] || refuse already-on-server "volume $volume has $(size "$place/disk") bytes"
    exit 0
fi
for other in live/cgctl-*/cgctl-"$volume"; do
    [ ! -e "$other" ] || refuse already-on-server "volume $volume stands in $other"
done
[ -z "$set" ] || marked "$set"
if [ -n "$source" ]; then
    source_fits "$source" "$bytes"
    needed_room "$source"
fi
if [ "$container" = "$volume" ]; then
    stage live volume "$volume"
    make_container "$staging"
    fill "$staging/cgctl-$volume" "$source" "$bytes"
    settle "live/cgctl-$container"
else
    [ -d "live/cgctl-$container" ] || refuse not-on-server "group $container is not in the pool"
    stage "live/cgctl-$container" volume "$volume"
    fill "$staging" "$source" "$bytes"
    settle "$place"
fi
