# checksums.sh ... GROUP POINT CHUNK: what sums.pl tells of every member of a point. Nobody waits for it meanwhile.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh and notes.sh: their variables, and `undo`, which the trap calls
point=$1 chunk=$2
# Who sends just now may need them awake, and lets them sleep afterwards.
undo() {
    [ -z "$awake" ] || ! flock -n 7 || asleep
    exit "$1"
}
hold_notes
lock
own
marked_or_refuse "$point"
tagged "cgctl.set=$point"
members=$found
set --
for word in $members; do
    find_lv "cgctl-$word"
    tag cgctl.bytes
    set -- "$@" "${word#"${point}_"}" "$value" "/dev/$vg/cgctl-$word"
done
# shellcheck disable=SC2086 # names
wake $members
unlock
flock -u 7
perl -e "$sums_pl" -- "$chunk" "$@" 7>&-
