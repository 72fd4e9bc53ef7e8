# supervise.sh LEASH_SECONDS: (in the activity's directory) run its work to the end. Stands behind prelude.sh and born.
# Whatever happens to who started it: nothing here needs him. Handlers, not '', so that the work does not inherit them.
leash=$1
trap : HUP INT TERM
log_bytes=131072
read -r _ _ began _ <state
read -r this_boot </proc/sys/kernel/random/boot_id
my_birth=$(born $$)

note() { # STATE STATUS ENDED
    printf '%s %s %s %s %s %s %s\n' "$1" "$2" "$began" "$3" "$this_boot" "$$" "$my_birth" >state.new
    sync state.new
    mv -f state.new state
    sync .
}

# dd writes what it reads, at once; head would keep it to itself until its end.
keep_log() {
    dropped=0 before=0
    while :; do
        dd bs=4096 count=16 2>/dev/null >>log
        kept=$(stat -c %s log)
        [ "$kept" != "$before" ] || return 0
        before=$kept
        [ "$kept" -ge "$log_bytes" ] || continue
        if [ -e log.old ]; then
            dropped=$((dropped + $(stat -c %s log.old)))
            echo "$dropped" >dropped.new
            mv -f dropped.new dropped
        fi
        mv -f log log.old
        : >log
        before=0
    done
}

# reap PID: $status is how it ended, also when a signal wakes us before.
reap() {
    while :; do
        status=0
        wait "$1" || status=$?
        born "$1" >/dev/null || return 0
    done
}

# end_group: whoever is left of the work's process group.
end_group() {
    kill -s 0 -- "-$work" 2>/dev/null || return 0
    kill -s TERM -- "-$work" 2>/dev/null || :
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        kill -s 0 -- "-$work" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -s KILL -- "-$work" 2>/dev/null || :
}

# watch_leash: who holds it touches `alive`; when nobody does, the work ends.
watch_leash() {
    while sleep 1; do
        if [ "$(($(date +%s) - $(stat -c %Y alive)))" -gt "$leash" ]; then
            : >cancel
            kill -s TERM -- "-$work" 2>/dev/null || :
            return 0
        fi
    done
}

set +e
rm -f pipe
: >log
: >alive
mkfifo pipe
keep_log <pipe &
keeper=$!
exec 3>pipe
note running - -
if [ -e cancel ]; then
    status=143
else
    setsid sh ./work <input >&3 2>&3 3>&- &
    work=$!
    printf '%s %s\n' "$work" "$(born "$work")" >group.new
    mv -f group.new group
    if [ "$leash" -gt 0 ]; then
        watch_leash 3>&- &
        watcher=$!
    fi
    reap "$work"
    worked=$status
    [ "$leash" -eq 0 ] || kill "$watcher" 2>/dev/null
    end_group
    status=$worked
fi
if [ "$status" != 0 ]; then
    if ! sh ./undo </dev/null >undo.log 2>&1 3>&-; then
        : >remains
        cat undo.log >&3
    fi
fi
exec 3>&-
# Who sees the end reads the whole log; but a daemon that the work left may hold the pipe open for ever.
tries=0
while [ "$tries" -lt 100 ] && born "$keeper" >/dev/null; do
    sleep 0.02
    tries=$((tries + 1))
done
rm -f pipe
if [ "$status" = 0 ]; then
    note succeeded 0 "$(date +%s.%N)"
elif [ -e cancel ]; then
    note cancelled "$status" "$(date +%s.%N)"
else
    note failed "$status" "$(date +%s.%N)"
fi
