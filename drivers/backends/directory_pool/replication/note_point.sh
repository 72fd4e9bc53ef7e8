# note_point.sh ... GROUP POINT NOTE: what a group snapshot that was just taken is.
# shellcheck disable=SC2154 # from notes.sh
point=$1 note=$2
own
hold_notes
is_marked "$point" || refuse not-on-server "recovery point $point is not in the pool"
[ -e "$notes/point-$point" ] || write_note "point-$point" "$note $(stamp "$point")"
