# The writers of a pool on btrfs stand still while a subvolume snapshot is made; it stands before storage.sh.
#
# A direct write is acknowledged before it stands in the subvolume's tree, and the kernel puts writes there in no order; a
# buffered one waits in the page cache. So a snapshot may hold a write and lack one that was acknowledged before it was
# begun. Measured (2026-11, Linux 6.18, four files, an ordered writer, a machine short of CPU): direct 7 of 744 snapshots
# torn, with the writer stopped 0 of 608; through tgt and on a busy machine 1 of 2,050. Synchronous writes (O_DSYNC,
# `chattr +S`) are safe: a commit waits until what a transaction has logged is in the tree.
#
# Therefore every process that has a disk open for other writes (tgtd) is stopped for that time. A watchdog that is armed
# first lets it go when the bound is over, whatever became of us; it holds the server's lock until then, so that no other
# hold takes a stopped writer for one that somebody else has stopped.
# shellcheck disable=SC2154 # $lock_wait is of pool.sh
writers='' held='' watchdog=''
writers_lock=/run/lock/cgctl-writers

# prepare_hold CONTAINER: find its writers. No other script of this server holds any until release_hold.
prepare_hold() {
    exec 7>>"$writers_lock"
    flock -w "$lock_wait" 7 || refuse at-work "another snapshot still holds the writers of this server"
    writers=''
    for writer in $(writers_of "$1" | sort -u); do
        stands "$writer" || writers="$writers $writer"
    done
}

writers_of() (
    set -- "$1"/cgctl-*/disk
    [ -e "$1" ] || exit 0
    synchronous=$(lsattr -- "$@" 2>/dev/null | sed -n 's/^[^ ]*S[^ ]* //p')
    wanted=' '
    for disk; do
        shift
        ! includes "$synchronous" "$disk" || continue
        set -- "$@" "$disk"
    done
    [ $# -gt 0 ] || exit 0
    identities=$(stat -c %d:%i -- "$@")
    set --
    for identity in $identities; do
        wanted="$wanted$identity "
        set -- "$@" -o -inum "${identity#*:}"
    done
    shift
    find -L /proc/[0-9]*/fd -maxdepth 1 \( "$@" \) -printf '%D:%i %h %f\n' 2>/dev/null | while read -r identity holder number; do
        case $wanted in *" $identity "*) writes "${holder%/fd}" "$number" || continue ;; *) continue ;; esac
        holder=${holder#/proc/}
        printf '%s\n' "${holder%/fd}"
    done
)

includes() { # includes LINES LINE
    case "
$1
" in *"
$2
"*) return 0 ;; esac
    return 1
}

# writes /proc/PROCESS DESCRIPTOR: it is open for writing, not synchronously. Octal flags of open(2): the last digit is the
# way of access, 010000 is O_DSYNC.
writes() {
    flags=''
    while read -r word value; do
        [ "$word" != flags: ] || flags=$value
    done 2>/dev/null <"$1/fdinfo/$2" || return 1
    case $flags in *[1357]????) return 1 ;; *[12]) return 0 ;; *) return 1 ;; esac
}

# stands PROCESS: its first thread is stopped; whoever lets a process go on lets all of its threads go on.
stands() {
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    case ${line##*) } in 'T '*) return 0 ;; *) return 1 ;; esac
}

# stand_still CENTISECONDS COMMAND...: run it while the writers are stopped; refuse when they were not until its end.
stand_still() {
    [ -n "$writers" ] || { shift; "$@"; return; }
    arm "$1"
    shift
    held=yes
    # shellcheck disable=SC2086 # numbers
    kill -STOP $writers 2>/dev/null || moved
    until stopped; do
        kill -0 "$watchdog" 2>/dev/null || moved
        sleep 0.002
    done
    "$@"
    still_stopped || moved
    release_hold
}

# stopped: all threads of the writers. tgtd has 16 for each volume: one grep for all of them.
stopped() {
    for writer in $writers; do
        # shellcheck disable=SC2143 # -L names files: grep -q cannot say that there is none
        [ -z "$(grep -Ls ') T ' "/proc/$writer"/task/*/stat)" ] && stands "$writer" || return 1
    done
}

still_stopped() {
    for writer in $writers; do stands "$writer" || return 1; done
}

moved() {
    refuse hold-broken "the writers of the volumes could not be held: nothing of it is kept"
}

arm() { # arm CENTISECONDS
    rm -f "$writers_lock.armed"
    # shellcheck disable=SC2016,SC2086 # its own parameters; numbers
    setsid sh -c ': >"$1.armed"; sleep "$2"; shift 2; kill -CONT "$@"' watchdog "$writers_lock" \
        "$(printf '%d.%02d' "$(($1 / 100))" "$(($1 % 100))")" $writers </dev/null >/dev/null 2>&1 8>&- 9>&- &
    watchdog=$!
    until [ -e "$writers_lock.armed" ]; do
        kill -0 "$watchdog" 2>/dev/null || refuse refused "the watchdog of the hold cannot be started"
        sleep 0.01
    done
}

# release_hold: the writers go on, if they are held.
release_hold() {
    # shellcheck disable=SC2086 # numbers
    [ -z "$held" ] || kill -CONT $writers 2>/dev/null || :
    held=''
    [ -z "$watchdog" ] || kill -- "-$watchdog" 2>/dev/null || :
    watchdog=''
    exec 7>&-
}
