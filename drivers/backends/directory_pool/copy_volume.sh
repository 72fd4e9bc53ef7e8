# copy_volume.sh ... CONTAINER VOLUME BYTES PATH STREAM_BYTES: a volume with the data of a file or block device of this
# server; PATH -: of standard input, STREAM_BYTES of it; STREAM_BYTES `stable`: nobody can write to PATH.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh
container=$1 volume=$2 bytes=$3 path=$4 stream=$5
place=live/cgctl-$container/cgctl-$volume
need cmp
if [ "$container" = "$volume" ]; then claim; else own; fi
lock "$container" "$volume"
if [ -e "$place" ]; then
    [ "$(size "$place/disk")" = "$bytes" ] || refuse already-on-server "volume $volume has $(size "$place/disk") bytes"
    exit 0
fi
if [ "$path" = - ]; then
    there=$stream needed=0
elif [ -b "$path" ]; then
    need blockdev
    there=$(blockdev --getsize64 "$path") needed=$there
elif [ -f "$path" ]; then
    there=$(size "$path") needed=$(($(stat -c '%b * %B' "$path")))
else
    refuse not-on-server "$path is not on this server"
fi
[ "$there" -le "$bytes" ] || refuse refused "$path has $there bytes, more than the $bytes of the new volume"
[ "$path" = - ] || [ "$stream" = stable ] || ! opened "$path" || refuse busy "$path is in use: end its export first"
if [ "$container" = "$volume" ]; then
    stage live volume "$volume"
    make_container "$staging"
    inside=$staging/cgctl-$volume settled=live/cgctl-$container
else
    [ -d "live/cgctl-$container" ] || refuse not-on-server "group $container is not in the pool"
    stage "live/cgctl-$container" volume "$volume"
    inside=$staging settled=$place
fi
mkdir "$inside"
if [ "$path" = - ]; then
    : >"$inside/disk"
    receive_image "$there" "$inside/disk"
# Blocks are shared where both pools are of one file system; else there must be room for them.
elif ! cp --reflink=always "$path" "$inside/disk" 2>/dev/null; then
    rm -f "$inside/disk"
    room "$needed"
    measured 0 "$((needed + there))" wchar 1 cp --reflink=never --sparse=always "$path" "$inside/disk"
fi
if [ "$path" != - ]; then
    measured "$needed" "$((needed + there))" rchar 2 cmp -s "$path" "$inside/disk" ||
        refuse refused "the copy of $path differs from it: somebody wrote, or a device fails"
fi
chmod 600 "$inside/disk"
truncate -s "$bytes" "$inside/disk"
sync "$inside/disk" "$inside"
settle "$settled"
all_done "$((needed + there))"
