# create_snapshot.sh ... SNAPSHOT CONTAINER VOLUME
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh
snapshot=$1 container=$2 volume=$3
source=live/cgctl-$container/cgctl-$volume/disk
own
lock "$snapshot" "$container"
[ ! -e "snap/cgctl-$snapshot" ] || exit 0
[ -e "$source" ] || refuse not-on-server "volume $volume is not in the pool"
needed_room "$source"
stage snap snapshot "$snapshot"
fill "$staging" "$source" "$(size "$source")"
chmod 400 "$staging/disk"
env printf '%s\n' "$volume" >"$staging/volume" # the shell's own calls a full pool an `I/O error`
sync "$staging/volume" "$staging"
settle "snap/cgctl-$snapshot"
