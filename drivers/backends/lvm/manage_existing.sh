# manage_existing.sh ... CONTAINER VOLUME BYTES REFERENCE: a thin LV of the pool becomes a volume.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
group=$1 volume=$2 bytes=$3 reference=$4
[ "$group" != "$volume" ] || group=''
name=cgctl-$volume
lock
claim
if find_lv "$name"; then
    is volume
    tag cgctl.bytes || :
    [ "$value" = "$bytes" ] || refuse already-on-server "volume $volume has $value bytes"
    make_gate "$volume" "$bytes"
    exit 0
fi
[ -z "$group" ] || has_group "$group" || refuse not-on-server "group $group is not in the pool"
take "$reference" "$bytes"
[ -z "$file_system" ] || holds_xfs "$reference"
new_tags="--addtag cgctl.kind=volume --addtag cgctl.bytes=$bytes${group:+ --addtag cgctl.group=$group}"
new_tags="$new_tags${file_system:+ --addtag cgctl.fs=$file_system}"
undo() { # a file system that cannot be mounted is not taken
    [ "$1" = 0 ] || ! find_lv "$name" || ! drop_gate "$volume" || give_back "$name" "$reference"
    exit "$1"
}
change "lvchange -q -kn $vg/$reference" "lvchange -q -ay $vg/$reference" "lvchange -q $new_tags $vg/$reference" \
    "lvrename -q $vg $reference $name"
find_lv "$name" && is volume || exit 1
make_gate "$volume" "$bytes"
