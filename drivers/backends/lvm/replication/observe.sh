# observe.sh ... GROUP: what the pool has of a group, in lines for scripted/replication.py. A pool without a mark has nothing.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh and notes.sh: their variables, and `undo`, which the trap calls
look
tags=$pool_tags
tag cgctl.owner || exit 0
ours
echo 'stream 1'
! has_group "$group" || echo live
notes_of cgctl.side
for word in $found; do printf 'side %s %s\n' "${word%/*}" "${word#*/}"; done
notes_of cgctl.generation
for word in $found; do
    IFS=/ read -r id parent began_with <<END
$word
END
    printf 'generation %s %s %s\n' "$id" "$parent" "$began_with"
done
notes_of cgctl.point
points=''
for word in $found; do
    ! is_marked "${word%%/*}" || points="$points ${word%%/*}"
done
[ -n "$points" ] || exit 0
# shellcheck disable=SC2086 # ids
stamped $points
for point in $points; do
    if is_intact "$point"; then intact=intact; else intact=changed; fi
    note_of "$point" || continue
    IFS=/ read -r generation sequence taken_at kind stamp <<END
$note
END
    printf 'point %s %s %s %s %s %s %s %s\n' "$point" "$point" "$intact" "$generation" "$sequence" "$taken_at" "$kind" "$stamp"
done
