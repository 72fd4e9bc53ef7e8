# settle.sh PLACE ID cancelled|lost GRACE_SECONDS: end an activity (`cancelled`), or put right what has no supervisor any
# more (`lost`; one that is alive is left alone, one that is not there will never start). What is over stays as it is.
# shellcheck disable=SC2154 # of activity.sh
id=$1 wanted=$2 grace=$3
if ! look "$id"; then
    [ "$wanted" = lost ] || exit 0
    # A start that is still on its way shall find that it comes too late.
    buried=.staging-$id-$$
    mkdir "$buried"
    now=$(date +%s.%N)
    printf 'lost - %s %s - 0 0\n' "$now" "$now" >"$buried/state"
    echo 'never started' >"$buried/label"
    mv -T -n "$buried" "$id" || :
    rm -rf "$buried"
    exit 0
fi
# Whose end left something: once more.
if is_over; then
    if [ -e "$id/remains" ] && (cd "$id" && CGCTL_ACTIVITY=$(pwd) sh ./undo </dev/null >undo.log 2>&1); then rm -f "$id/remains"; fi
    exit 0
fi
[ "$wanted" = cancelled ] || [ "$state" = lost ] || exit 0

# end SIGNAL: of the work's process group, if it is still the one that was noted.
end() {
    { read -r leader leader_birth <"$id/group"; } 2>/dev/null || return 1
    [ "$boot" = "$this_boot" ] || return 0
    # A leader that is gone may have left others; nobody else can have their group while they live.
    if found=$(born "$leader") && [ "$found" != "$leader_birth" ]; then return 0; fi
    kill -s "$1" -- "-$leader" 2>/dev/null || :
}

if [ "$state" != lost ]; then
    : >"$id/cancel"
    told='' tenths=0 limit=$((grace * 10))
    while [ "$tenths" -lt "$((limit + 600))" ]; do
        [ -n "$told" ] || ! end TERM || told=yes
        [ "$tenths" -ne "$limit" ] || end KILL || :
        look "$id"
        ! is_over || exit 0
        [ "$state" != lost ] || break
        sleep 0.1
        tenths=$((tenths + 1))
    done
    [ "$state" = lost ] || refuse busy "the activity does not end"
fi
end TERM || :
sleep 0.2
end KILL || :
cd "$id" || exit
CGCTL_ACTIVITY=$(pwd)
export CGCTL_ACTIVITY
if sh ./undo </dev/null >undo.log 2>&1; then rm -f remains; else : >remains; fi
rm -f pipe
printf '%s - %s %s - 0 0\n' "$wanted" "$began" "$(date +%s.%N)" >"state.$$"
sync "state.$$"
mv -f "state.$$" state
