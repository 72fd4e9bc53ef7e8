# forget.sh ... GROUP WHAT: remove the points of standard input; with WHAT `all`, every point and all notes.
# shellcheck disable=SC2154 # from notes.sh and pool.sh
[ -e .cgctl/owner ] || exit 0
own
hold_notes
points=$(cat)
tidy
for point in $points; do
    discard "$point"
done
if [ "$1" = all ]; then
    for note in "$notes"/point-*; do
        [ ! -e "$note" ] || discard "${note##*/point-}"
    done
    rm -rf "$notes"
fi
sync .cgctl/replication
