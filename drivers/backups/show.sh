# show.sh REPOSITORY [ID...]: (all without an id) of each backup that is there: its manifest, `sound` or `damaged`, and
# `found COUNT`, damaged chunks that the last verification has found; of all, also `unfinished ID` for what is being made or removed. The id is in front of every line.
all=''
if [ $# -eq 0 ]; then
    [ -e cgctl-repository ] || exit 0
    all=yes
    for path in backup-*; do
        [ ! -e "$path" ] || set -- "$@" "${path#backup-}"
    done
fi
own
for id in "$@"; do
    [ -e "backup-$id/manifest" ] || continue
    sed "s/^/$id /;\$a\\" "backup-$id/manifest" # a newline at its end, also where it was cut
    word=sound
    (cd "backup-$id" && sha256sum --status -c manifest.sha256 2>/dev/null) || word=damaged
    printf '%s %s\n' "$id" "$word"
    [ ! -e "backup-$id/verdict" ] || printf '%s found %s\n' "$id" "$(grep -c '^damaged ' "backup-$id/verdict")"
done
[ -n "$all" ] || exit 0
for path in .making-* .gone-*; do
    [ ! -e "$path" ] || printf '%s unfinished\n' "${path#.*-}"
done
