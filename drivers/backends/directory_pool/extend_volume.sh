# extend_volume.sh ... CONTAINER VOLUME BYTES
disk=live/cgctl-$1/cgctl-$2/disk
own
lock "$1" "$2"
[ -e "$disk" ] || refuse not-on-server "volume $2 is not in the pool"
[ "$(size "$disk")" -le "$3" ] || refuse refused "volume $2 has $(size "$disk") bytes: it is never made smaller"
truncate -s "$3" "$disk"
sync "$disk"
