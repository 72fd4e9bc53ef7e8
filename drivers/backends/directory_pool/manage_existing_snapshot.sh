# manage_existing_snapshot.sh ... SNAPSHOT VOLUME BYTES REFERENCE: a file of the pool's directory becomes a snapshot.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh, $taken by `take` of foreign.sh
snapshot=$1 volume=$2 bytes=$3 reference=$4
place=snap/cgctl-$snapshot
own
lock "$snapshot"
will_take "$reference" "$snapshot"
if [ -e "$place" ]; then
    [ "$(size "$place/disk")" = "$bytes" ] || refuse already-on-server "snapshot $snapshot has $(size "$place/disk") bytes"
    taken_over "$place/disk" 400
    exit 0
fi
take "$reference" "$bytes"
stage snap snapshot "$snapshot"
mkdir "$staging"
move_disk "$taken" "$staging/disk"
printf '%s\n' "$volume" >"$staging/volume"
sync "$staging/disk" "$staging/volume" "$staging"
settle "$place"
taken_over "$place/disk" 400
