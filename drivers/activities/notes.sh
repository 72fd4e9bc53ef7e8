# notes.sh PLACE ID...: `ID NOTE` of each that has one. Changes nothing.
for id in "$@"; do
    note=''
    { read -r note <"$id/note"; } 2>/dev/null || continue
    printf '%s %s\n' "$id" "$note"
done
