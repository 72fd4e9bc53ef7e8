# send.sh ... GROUP POINT BASE FORM VERSION NOTE: write a point to standard output, as a delta to BASE where there is one:
# a stream of blocks (see blocks.sh of scripted).
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh and notes.sh: their variables, and `undo`, which the trap calls
point=$1 base=$2 told=$5
hold_notes
lock
own
tidy
marked_or_refuse "$point"
[ -z "$base" ] || marked_or_refuse "$base"
checked=$base
if note_of "$point"; then checked="$point $base"; else write_point "$point" "$told"; fi
# shellcheck disable=SC2086 # ids
usable $checked
delta_jobs "$point" "$base"
make_maps "$jobs"
of_maps
table='' header="cgctl-blocks 1${nl}" names=''
for word in $members; do
    volume=${word#"${point}_"} old=''
    find_lv "cgctl-$word"
    tag cgctl.bytes
    header="${header}member $volume $value$nl"
    [ -z "$base" ] || ! find_lv "cgctl-${base}_$volume" || old=${base}_$volume
    table="${table}cgctl-$volume $value /dev/$vg/cgctl-$word ${old:+/dev/$vg/cgctl-}${old:--} $scratch/$word.ranges$nl"
    names="$names $word $old"
done
# shellcheck disable=SC2086 # names
wake $names
unlock
printf '%s' "$table" >"$scratch/table"
printf '%sships %s %s\n' "$header" "$bytes" "$ranges"
perl -e "$ship_pl" -- send-devices "$scratch/table"
