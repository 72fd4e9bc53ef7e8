# Head of every script that looks after activities; it stands behind drivers/prelude.sh. POSIX sh and coreutils.
#   first parameter of every script: PLACE, the directory of the activities
# shellcheck disable=SC2034 # not every script uses every variable
place=$1
shift
if ! { [ -d "$place" ] && cd -- "$place"; } 2>/dev/null; then
    refuse not-on-server "$place is no directory that can be entered: is the pool there?"
fi

# born PID: prints when a process began, in ticks of this boot; fails for none, and for a zombie.
born() {
    { read -r born_line <"/proc/$1/stat"; } 2>/dev/null || return 1
    # shellcheck disable=SC2086 # numbers
    set -- ${born_line##*) }
    case $1 in Z | X) return 1 ;; esac
    shift 19
    echo "$1"
}

read -r this_boot </proc/sys/kernel/random/boot_id

# look ID: $state $status $began $ended of its last note; $state is lost where nobody works on it. Fails for none.
look() {
    settled=yes
    { read -r state status began ended boot pid birth <"$1/state"; } 2>/dev/null || return 1
    case $state in
        queued | running)
            if [ "$boot" != "$this_boot" ] || [ "$(born "$pid")" != "$birth" ]; then
                # It may have ended between the two looks.
                read -r state status began ended boot pid birth <"$1/state"
                case $state in queued | running) state=lost settled='' ;; esac
            elif [ -e "$1/cancel" ]; then
                state=cancelling
            fi
            ;;
    esac
}

# is_over: and what is lost has been put right.
is_over() {
    case $state in queued | running | cancelling) return 1 ;; esac
    [ -n "$settled" ]
}
