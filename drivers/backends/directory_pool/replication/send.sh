# send.sh ... GROUP POINT BASE VERSION NOTE: write a point to standard output, as a delta to BASE where there is one.
# shellcheck disable=SC2154 # from notes.sh and pool.sh
point=$1 base=$2 version=$3 note=$4
own
hold_notes
is_marked "$point" || refuse not-on-server "recovery point $point is not in the pool"
[ -z "$base" ] || usable "$base"
if [ -e "$notes/point-$point" ]; then usable "$point"; else write_note "point-$point" "$note $(stamp "$point")"; fi
send_set "$point" "$base" "$version"
