# forget.sh ... GROUP WHAT: remove the points of standard input; with WHAT `all`, every point and all notes.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh and notes.sh: their variables, and `undo`, which the trap calls
points=$(cat)
what=$1
look
tags=$pool_tags
tag cgctl.owner || exit 0
ours
hold_notes
lock
own
tidy
if [ "$what" = all ]; then
    notes_of cgctl.point
    points=''
    for word in $found; do points="$points ${word%%/*}"; done
fi
# shellcheck disable=SC2086 # ids
[ -z "$points" ] || discard $points
[ "$what" = all ] || exit 0
set --
for key in side generation; do
    notes_of "cgctl.$key"
    for word in $found; do set -- "$@" --deltag "cgctl.$key=$group/$word"; done
done
write_notes "$@"
