# start.sh PLACE ID OWNER LABEL LEASH_SECONDS: prepare an activity and leave it running. Reads files, `NAME BYTES` and the
# bytes of each. Again with the same id: finds the first one. LEASH_SECONDS: 0, or how long it goes on unwatched.
# shellcheck disable=SC2154 # of activity.sh
id=$1 owner=$2 label=$3 leash=$4
need head mkfifo mv setsid sleep stat sync tail
if [ -e "$id" ]; then
    cat >/dev/null
    echo again
    exit 0
fi
# What ended a month ago is forgotten, and so is a start that was killed an hour ago.
find . -mindepth 2 -maxdepth 2 -name state -mtime +30 2>/dev/null | while read -r old; do
    old=${old%/state}
    if look "$old" && is_over && [ ! -e "$old/remains" ]; then rm -rf "$old"; fi
done
find . -mindepth 1 -maxdepth 1 -name '.staging-*' -mmin +60 -exec rm -rf {} + 2>/dev/null || :

staging=.staging-$id-$$
trap 'rm -rf "$staging"' EXIT
mkdir "$staging"
while read -r name bytes; do
    head -c "$bytes" >"$staging/$name"
    [ "$(stat -c %s "$staging/$name")" = "$bytes" ] || refuse refused "the activity did not arrive as a whole"
done
printf '%s\n' "$owner" >"$staging/owner"
printf '%s\n' "$label" >"$staging/label"
printf 'queued - %s - %s %s %s\n' "$(date +%s.%N)" "$this_boot" "$$" "$(born $$)" >"$staging/state"
sync "$staging"/* "$staging"
mv -T -n "$staging" "$id" || :
if [ -e "$staging" ]; then # somebody was quicker
    echo again
    exit 0
fi
sync .
(
    cd "$id" || exit
    CGCTL_ACTIVITY=$(pwd)
    export CGCTL_ACTIVITY
    exec setsid sh ./supervisor "$leash"
) </dev/null >/dev/null 2>&1 &
# Whoever asks after us shall find the supervisor, not a start that is gone.
tries=0
while [ "$tries" -lt 200 ]; do
    read -r state _ <"$id/state"
    [ "$state" = queued ] || break
    sleep 0.05
    tries=$((tries + 1))
done
echo started
