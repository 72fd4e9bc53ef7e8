# The hold: all members' gates are suspended while one lvm process snapshots their LVs. For the scripts that need it.
# The watchdog is armed first, on this server: it resumes the gates when the bound is over, whatever became of us. It
# holds the lock until then, so no later script meets a hold that is not its own.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
# The lvm process has looked at the pool before, and waits for its lines: a hold is as long as its snapshots take, no
# start-up. Nothing in a hold waits for udevd, or tells others (__init__.py has the figures): the devices are there before
# and after, and what udevd does about a change of them is done as well when writes go on. D-Bus is nowhere for these
# scripts: whoever listens there is told by the next one.
DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent
export DBUS_SYSTEM_BUS_ADDRESS
held='' watchdog='' suspender=''
flag=$lock_file.watchdog

# A gate is suspended when what is under way has ended, which takes a minute (the kernel's no_space_timeout) where a full
# pool lets writes wait; until then `resume` says 0 and does nothing. A signal ends the wait, but for that of a file
# system that writes what it still has: then the gate is suspended late, and the watchdog must not have gone.
# shellcheck disable=SC2016 # its own parameters
watch='
    release() { for gate; do dmsetup --noudevsync resume "$gate"; done; }
    flag=$1
    : >"$flag.armed"
    sleep "$2"
    : >"$flag.fired"
    shift 2
    suspender=""
    read -r suspender <"$flag.suspender"
    while [ -n "$suspender" ] && kill -KILL "$suspender"; do
        release "$@"
        sleep 0.1
    done
    release "$@"
'

arm() { # arm CENTISECONDS GATE...
    rm -f "$flag.armed" "$flag.fired" "$flag.suspender"
    after=$(printf '%d.%02d' "$(($1 / 100))" "$(($1 % 100))")
    shift
    setsid sh -c "$watch" watchdog "$flag" "$after" "$@" </dev/null >/dev/null 2>&1 8>&- 4<&- &
    watchdog=$!
    until [ -e "$flag.armed" ]; do
        kill -0 "$watchdog" 2>/dev/null || refuse refused "the watchdog of the hold cannot be started"
        sleep 0.01
    done
}

# suspend_gates GATE...: 1 when one of them cannot be, or when the watchdog was quicker.
suspend_gates() {
    dmsetup suspend "$@" 8>&- 4<&- &
    suspender=$!
    printf '%s\n' "$suspender" >"$flag.suspender"
    [ ! -e "$flag.fired" ] || return 1
    wait "$suspender" || return 1
    suspender=''
    : >"$flag.suspender"
}

release() {
    if [ -n "$suspender" ] && kill -KILL "$suspender" 2>/dev/null; then
        dmsetup --noudevsync resume "$@" || :
        wait "$suspender" || :
    fi
    suspender=''
    stuck=''
    if [ -n "$held" ] && ! dmsetup --noudevsync resume "$@"; then
        for gate; do dmsetup --noudevsync resume "$gate" || stuck=yes; done
    fi
    held=''
    [ -n "$stuck" ] || [ -z "$watchdog" ] || kill -- "-$watchdog" 2>/dev/null || :
    watchdog=''
}

still_held() { # still_held GATE...: every gate is suspended, and the watchdog has not fired.
    [ ! -e "$flag.fired" ] || return 1
    suspended=0
    for word in $(dmsetup info -c --noheadings -o suspended "$@"); do
        [ "$word" = Suspended ] || return 1
        suspended=$((suspended + 1))
    done
    [ "$suspended" = $# ] && [ ! -e "$flag.fired" ]
}

# Suspending a gate freezes the file system that is mounted on it, and resuming it thaws that.
# hold CENTISECONDS LINES GATE...: $began_at, $ended_at; refuse when the bound broke it. Its caller removes what was made.
hold() {
    bound=$1 lines=$2
    shift 2
    flush "$@"
    arm "$bound" "$@"
    listen
    began_at=$(clock)
    held=yes
    if suspend_gates "$@"; then
        say "$lines"
    else
        [ -e "$flag.fired" ] || exit 1
    fi
    heard
    whole=yes
    still_held "$@" || whole=''
    release "$@"
    ended_at=$(clock)
}
