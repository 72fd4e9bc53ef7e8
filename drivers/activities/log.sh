# log.sh PLACE ID OFFSET: `STATE NEXT_OFFSET`, then the log from OFFSET on (what is gone by then is left out).
# shellcheck disable=SC2154 # of activity.sh
id=$1 offset=$2
look "$id" || refuse not-on-server "the activity $id is not on this server"
dropped=0 old=0
[ ! -e "$id/dropped" ] || read -r dropped <"$id/dropped"
[ ! -e "$id/log.old" ] || old=$(stat -c %s "$id/log.old")
new=0
[ ! -e "$id/log" ] || new=$(stat -c %s "$id/log")
end=$((dropped + old + new))
[ "$offset" -ge "$dropped" ] || offset=$dropped
[ "$offset" -le "$end" ] || offset=$end
printf '%s %s\n' "$state" "$end"
# shellcheck disable=SC2094 # nobody writes to what is read here
{ cat "$id/log.old" 2>/dev/null || :; head -c "$new" "$id/log" 2>/dev/null || :; } |
    tail -c "+$((offset - dropped + 1))"
