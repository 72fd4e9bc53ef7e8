# manage_existing.sh ... CONTAINER VOLUME BYTES REFERENCE: a file of the pool's directory becomes a volume.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh, $taken by `take` of foreign.sh
container=$1 volume=$2 bytes=$3 reference=$4
place=live/cgctl-$container/cgctl-$volume
if [ "$container" = "$volume" ]; then claim; else own; fi
lock "$container" "$volume"
will_take "$reference" "$volume"
if [ -e "$place" ]; then
    [ "$(size "$place/disk")" = "$bytes" ] || refuse already-on-server "volume $volume has $(size "$place/disk") bytes"
    taken_over "$place/disk" 600
    exit 0
fi
for other in live/cgctl-*/cgctl-"$volume"; do
    [ ! -e "$other" ] || refuse already-on-server "volume $volume stands in $other"
done
[ "$container" = "$volume" ] || [ -d "live/cgctl-$container" ] ||
    refuse not-on-server "group $container is not in the pool"
take "$reference" "$bytes"
if [ "$container" = "$volume" ]; then
    stage live volume "$volume"
    make_container "$staging"
    inside=$staging/cgctl-$volume settled=live/cgctl-$container
else
    stage "live/cgctl-$container" volume "$volume"
    inside=$staging settled=$place
fi
mkdir "$inside"
move_disk "$taken" "$inside/disk"
sync "$inside/disk" "$inside"
settle "$settled"
taken_over "$place/disk" 600
