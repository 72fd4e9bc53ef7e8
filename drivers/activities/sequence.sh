# sequence.sh: run works one after the other, as parts of one activity: each counts its own progress, in a directory of
# its own. The first that fails is the end. Reads of each `TOTAL WORK_BYTES UNDO_BYTES`, and shell lines of these lengths.
whole=$CGCTL_ACTIVITY
count=0
while read -r total work_bytes undo_bytes; do
    part=$whole/part-$count
    mkdir -p "$part"
    head -c "$work_bytes" >"$part/work.new" # half a line is another command: killed, or without room, none is there
    head -c "$undo_bytes" >"$part/undo.new"
    if [ "$(wc -c <"$part/work.new")" -ne "$work_bytes" ] || [ "$(wc -c <"$part/undo.new")" -ne "$undo_bytes" ]; then
        echo "part $count of the activity is cut short" >&2
        exit 1
    fi
    mv "$part/work.new" "$part/work"
    mv "$part/undo.new" "$part/undo"
    printf '0 %s\n' "$total" >"$part/progress"
    count=$((count + 1))
done
number=0
while [ "$number" -lt "$count" ]; do
    CGCTL_ACTIVITY=$whole/part-$number
    export CGCTL_ACTIVITY
    sh "$CGCTL_ACTIVITY/work" </dev/null
    number=$((number + 1))
done
