# send.sh ... GROUP POINT BASE FORM VERSION NOTE: write a point to standard output, as a delta to BASE where there is one.
# shellcheck disable=SC2154 # from notes.sh and pool.sh
point=$1 base=$2 form=$3 version=$4 note=$5
own
hold_notes
is_marked "$point" || refuse not-on-server "recovery point $point is not in the pool"
[ -z "$base" ] || usable "$base"
if [ -e "$notes/point-$point" ]; then usable "$point"; else write_note "point-$point" "$note $(stamp "$point")"; fi
if [ "$form" = blocks ]; then send_blocks "$point" "$base"; else send_set "$point" "$base" "$version"; fi
