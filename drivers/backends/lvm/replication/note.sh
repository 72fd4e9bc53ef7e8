# note.sh ... GROUP GENERATION STATE: the side's note. Standard input: generations that shall be known, lines ID PARENT POINT.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh and notes.sh: their variables, and `undo`, which the trap calls
generation=$1 side=$2
known=$(cat)
hold_notes
lock
claim
notes_of cgctl.side
old=$found
notes_of cgctl.generation
generations=$found
set --
for word in $old; do
    [ "$word" = "$generation/$side" ] || set -- "$@" --deltag "cgctl.side=$group/$word"
done
[ "$old" = " $generation/$side" ] || set -- "$@" --addtag "cgctl.side=$group/$generation/$side"
while read -r id parent began_with; do
    [ -n "$id" ] || continue
    for word in $generations; do
        case $word in
            "$id/$parent/$began_with") continue 2 ;;
            "$id/"*) set -- "$@" --deltag "cgctl.generation=$group/$word" ;;
        esac
    done
    set -- "$@" --addtag "cgctl.generation=$group/$id/$parent/$began_with"
done <<END
$known
END
write_notes "$@"

# One that is in use stays as it is: what it writes is kept as diverged, and told.
tagged "cgctl.group=$group"
for word in $found; do
    has_file_system "$word" || continue
    if is_fenced; then unmount_volume "$word" || :; else mount_volume "$word"; fi
done
