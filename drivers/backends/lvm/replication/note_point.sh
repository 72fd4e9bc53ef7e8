# note_point.sh ... GROUP POINT NOTE: what a group snapshot that was just taken is.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh and notes.sh: their variables, and `undo`, which the trap calls
point=$1 told=$2
hold_notes
lock
own
marked_or_refuse "$point"
write_point "$point" "$told"
