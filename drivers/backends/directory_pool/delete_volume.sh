# delete_volume.sh ... CONTAINER VOLUME
own
lock "$1" "$2"
remove_volume "$2"
