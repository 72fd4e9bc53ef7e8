# revert_to_snapshot.sh ... CONTAINER VOLUME SOURCE SET: a copy of the LV SOURCE takes the place of the volume's LV.
#   cgctl-VOLUME_new, cgctl-VOLUME_old   only meanwhile. Where the volume is missing beside _old, _old is the volume.
# LVM has no swap that keeps the snapshot: there is a moment between two renames, which a power loss could meet.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
volume=$2 source=$3 set=$4
name=cgctl-$volume
lock
own
[ -z "$set" ] || marked "$set"
settle_revert "$volume"
if find_lv "${name}_new" || find_lv "${name}_old"; then
    refuse busy "what an earlier revert of volume $volume has left cannot be removed: something on the server uses it"
fi
find_lv "$name" || refuse not-on-server "volume $volume is not in the pool"
is volume
tag cgctl.bytes || :
bytes=$value
volume_tags=${tags#,}
volume_tags=${volume_tags%,}
find_lv "$source" || refuse not-on-server "$source is not in the pool"
tag cgctl.bytes || refuse not-on-server "$source is not in the pool"
[ "$value" = "$bytes" ] || refuse refused "volume $volume has $bytes bytes, its snapshot $value"
room
undo() {
    if [ "$1" != 0 ]; then
        look
        settle_revert "$volume"
        make_gate "$volume" "$bytes"
    fi
    exit "$1"
}
remove_gate "$volume"
new_tags=''
IFS=,
for word in $volume_tags; do new_tags="$new_tags --addtag $word"; done
unset IFS
change "lvcreate -q -An -s -kn -an -prw -n ${name}_new$new_tags $vg/$source"
find_lv "${name}_new" || exit 1
change "lvchange -q -an $vg/$name" "lvrename -q -An $vg $name ${name}_old" "lvrename -q -An $vg ${name}_new $name" \
    "lvchange -q -ay $vg/$name"
find_lv "$name" && find_lv "${name}_old" && ! find_lv "${name}_new" || exit 1
make_gate "$volume" "$bytes"
settle_revert "$volume"
