# show.sh REPOSITORY [ID...]: (all without an id) of each backup that is there: its manifest, `sound` or `damaged`, and
# `found COUNT`, damaged chunks that its last verification has found, or a later one of a backup that shares them; of all,
# also `unfinished ID` for what is being made or removed. The id is in front of every line.
all=''
own
if [ $# -eq 0 ]; then
    all=yes
    for path in backup-*; do
        [ ! -e "$path" ] || set -- "$@" "${path#backup-}"
    done
fi
shared=" $(sed -n 's/^shared //p' backup-*/verdict 2>/dev/null | sort -u | tr '\n' ' ')"

# damages ID: in its own verdict; prints nothing where there is none.
damages() {
    [ ! -e "backup-$1/verdict" ] || grep -c '^damaged ' "backup-$1/verdict" || :
}

# shared_damages ID COUNT: in those of others that are newer; else COUNT.
shared_damages() (
    count=$2
    for verdict in backup-*/verdict; do
        found=$(grep -c "^shared $1\$" "$verdict") || continue
        if [ -z "$count" ] || [ "$verdict" -nt "backup-$1/verdict" ]; then count=$found; fi
    done
    echo "$count"
)

for id in "$@"; do
    [ -e "backup-$id/manifest" ] || continue
    sed "s/^/$id /;\$a\\" "backup-$id/manifest" # a newline at its end, also where it was cut
    word=sound
    (cd "backup-$id" && sha256sum --status -c manifest.sha256 2>/dev/null) || word=damaged
    printf '%s %s\n' "$id" "$word"
    count=$(damages "$id")
    case $shared in *" $id "*) count=$(shared_damages "$id" "$count") ;; esac
    [ -z "$count" ] || printf '%s found %s\n' "$id" "$count"
done
[ -n "$all" ] || exit 0
for path in .making-* .gone-*; do
    [ ! -e "$path" ] || printf '%s unfinished\n' "${path#.*-}"
done
