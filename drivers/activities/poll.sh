# poll.sh PLACE WATCHES [ID...]: (all without an id) for each that is there, a line
#   activity ID STATE STATUS BEGAN ENDED NOW DONE TOTAL REMAINS OWNER LABEL
# and, of one that failed, `reason ID TEXT`. WATCHES: yes, who asks holds the leash. Changes nothing else.
# shellcheck disable=SC2154 # of activity.sh
watches=$1
shift
if [ $# -eq 0 ]; then
    for path in ????????-????-????-????-????????????; do
        [ ! -e "$path" ] || set -- "$@" "$path"
    done
fi

# counted DIRECTORY: $done and $total grow by what its work, or this part of it, has done.
counted() {
    meter_done=0 meter_total=0
    if { read -r meter_pid meter_birth base meter_total field share <"$1/meter"; } 2>/dev/null; then
        meter_done=$base
        if [ "$(born "$meter_pid")" = "$meter_birth" ]; then
            bytes=$(sed -n "s/^$field: //p" "/proc/$meter_pid/io" 2>/dev/null) || bytes=''
            meter_done=$((base + ${bytes:-0} / share))
        fi
        [ "$meter_done" -le "$meter_total" ] || meter_done=$meter_total
    elif [ -e "$1/progress" ]; then
        read -r meter_done meter_total <"$1/progress" || :
    fi
    done=$((done + meter_done)) total=$((total + meter_total))
}

for id in "$@"; do
    look "$id" || continue
    [ "$watches" != yes ] || is_over || touch "$id/alive" 2>/dev/null || :
    done=0 total=0
    counted "$id"
    for part in "$id"/part-*; do
        [ ! -d "$part" ] || counted "$part"
    done
    owner='' label='' remains=no
    read -r owner <"$id/owner" || :
    read -r label <"$id/label" || :
    [ ! -e "$id/remains" ] || remains=yes
    printf 'activity %s %s %s %s %s %s %s %s %s %s %s\n' "$id" "$state" "$status" "$began" "$ended" "$(date +%s.%N)" \
        "$done" "$total" "$remains" "${owner:--}" "$label"
    if [ "$state" = failed ]; then
        told=$(tail -n 40 "$id/log" | grep '^cgctl-refused ' | tail -n 1)
        [ -n "$told" ] || told=$(tail -n 40 "$id/log" | grep -v '^$' | tail -n 1)
        printf 'reason %s %s\n' "$id" "$told"
    fi
done
