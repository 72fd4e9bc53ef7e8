# revert_to_snapshot.sh ... CONTAINER VOLUME SOURCE SET: the file SOURCE becomes the volume's disk, by one rename.
# SET: the group snapshot that SOURCE is a member of.
container=$1 volume=$2 source=$3 set=$4
disk=live/cgctl-$container/cgctl-$volume/disk
own
lock "$container" "$volume"
[ -z "$set" ] || marked "$set"
[ -e "$source" ] || refuse not-on-server "$source is not in the pool"
[ -e "$disk" ] || refuse not-on-server "volume $volume is not in the pool"
[ "$(size "$source")" = "$(size "$disk")" ] ||
    refuse refused "volume $volume has $(size "$disk") bytes, its snapshot $(size "$source")"
! opened "$disk" || refuse busy "volume $volume is in use: end its export first"
needed_room "$source"
staging=${disk%/disk}/.staging-disk
remove_tree "$staging"
copy_disk "$source" "$staging"
chmod 600 "$staging"
sync "$staging"
mv -T "$staging" "$disk"
staging=''
sync "${disk%/disk}"
