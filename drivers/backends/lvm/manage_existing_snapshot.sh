# manage_existing_snapshot.sh ... SNAPSHOT VOLUME BYTES REFERENCE: a thin LV of the pool becomes a snapshot.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
snapshot=$1 volume=$2 bytes=$3 reference=$4
name=cgctl-$snapshot
lock
own
if find_lv "$name"; then
    is snapshot
    tag cgctl.bytes || :
    [ "$value" = "$bytes" ] || refuse already-on-server "snapshot $snapshot has $value bytes"
    exit 0
fi
take "$reference" "$bytes"
new_tags="--addtag cgctl.kind=snapshot --addtag cgctl.bytes=$bytes --addtag cgctl.volume=$volume"
change "lvchange -q -an $vg/$reference" "lvchange -q -ky $vg/$reference" "lvchange -q -pr $vg/$reference" \
    "lvchange -q $new_tags $vg/$reference" "lvrename -q $vg $reference $name"
find_lv "$name" && is snapshot
