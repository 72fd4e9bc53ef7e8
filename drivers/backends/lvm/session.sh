# The one lvm process of a script: the first `change` starts it, and it is fed through a pipe, so it has read its
# configuration and found its devices when a hold begins. Stands behind pool.sh in every script.
# It runs in a session of its own, in which it outlives a script that is killed, and ends its work: the lines that it
# was told, no more, since the pipe ends with the script. It closes what it has inherited; the shell beside it keeps the
# lock until it has ended.
# Descriptors: 8 to lvm, 4 from it. Who is started and may outlive the script closes both. Of the script's own lvm
# inherits 9 and 7, which keep others away until it has ended, too, and not 6, which is let go earlier.
# shellcheck disable=SC2034,SC2154 # of pool.sh: its variables
need mkfifo sed timeout
LVM_SUPPRESS_FD_WARNINGS=1
export LVM_SUPPRESS_FD_WARNINGS
lvm_process='' unheard=''
# shellcheck disable=SC2016 # its own status
run_lvm='lvm; exit "$?"'

# begin_lvm: the pipes have no names when this returns, so nothing is left of them. Each is opened for both ends before the
# process is started: whoever is killed when, nobody waits for the other one to open it, with the lock in hand.
begin_lvm() {
    set -- "$lock_file.$$.to" "$lock_file.$$.from"
    mkfifo -m 600 "$@" 2>/dev/null || { rm -f "$@" && mkfifo -m 600 "$@"; }
    exec 3<>"$1" 5<>"$2"
    rm "$@"
    setsid -w sh -c "$run_lvm" </proc/self/fd/3 >/proc/self/fd/5 3>&- 5>&- 6>&- &
    lvm_process=$!
    exec 8>/proc/self/fd/3 4</proc/self/fd/5 3>&- 5>&-
}

# end_lvm: behind this nothing more is made, whatever was to be when a signal came.
end_lvm() {
    [ -n "$lvm_process" ] || return 0
    unheard=yes # who is interrupted here ends it again
    exec 8>&- 4<&- 3>&- 5>&-
    wait "$lvm_process" || :
    lvm_process='' unheard=''
}

# say LINE...: to lvm. What one write takes has whole lines: whoever is killed meanwhile, lvm gets all of a line or nothing,
# for half of it is another command (a volume's name begins as that of its copies does). And as many as fit, so that few
# words go together.
say() {
    IFS=$nl block=''
    # shellcheck disable=SC2048 # lines
    for said in $*; do
        if [ "${#said}" -ge 4096 ]; then
            echo "a line for lvm has ${#said} bytes: neither it is told to lvm, nor what is behind it" >&2
            break
        fi
        [ "$((${#block} + ${#said}))" -lt 4096 ] || pass_on
        block=$block$said$nl
    done
    unset IFS
    [ -z "$block" ] || pass_on
}

# pass_on: lvm may have gone; who listens will know.
pass_on() {
    printf '%s' "$block" >&8 2>/dev/null || :
    block=''
}

# `formats` prints a name on each line, lvm2 as the last of them, behind its own name where LVM is configured so: behind it
# nothing comes of the lines before.
last_answer='^ *\(formats\)\{0,1\} *lvm2 *$'
# An lvm that does not print it, since its configuration has become unreadable, for example, must not keep the lock for
# ever. The first answer is that of a look, which takes no time; the longest are those of hundreds of changes.
first_answer_seconds=120 answer_seconds=900

tell() {
    say "$@"
    say formats
}

# change [LINE...]: lvm runs these lines; then $state is new. lvm's shell goes on after an error: what counts is the
# state. One that has lost the pool tells of nothing.
change() {
    if [ -n "$unheard" ] || ! kill -0 "${lvm_process:-none}" 2>/dev/null; then end_lvm; fi
    unheard=yes
    [ -n "$lvm_process" ] || begin_lvm
    patience=$answer_seconds
    [ -n "$seen" ] || patience=$first_answer_seconds
    noise=$nl$(tell "$@" "$lvs_line" & timeout "$patience" sed "/$last_answer/q" <&4 8>&-) || :
    devices='' state=''
    last=${noise##*"$nl"}
    case $last in
        *'|'*) ;;
        *lvm2*) state=${noise%"$last"} unheard='' ;;
        *)
            [ -n "$seen$*" ] ||
                refuse pool-missing "lvm does not answer on this server, or not as it does by itself: lvm formats"
            ;;
    esac
    case $seen$state in
        "$nl"* | *"$nl  $thin_pool|"*) ;;
        *)
            echo "lvm was cut, or does not see $pool any more: what it has done is not known" >&2
            exit 1
            ;;
    esac
}

# listen, heard: what lvm says until the end of what it was told; listening begins before a hold, and starts nothing in it.
listen() {
    unheard=yes
    timeout "$answer_seconds" sed -n "/$last_answer/q" <&4 8>&- &
    listener=$!
}

heard() {
    say formats
    ! wait "$listener" || unheard=''
}

# unlock: who holds the lock is lvm, too.
unlock() {
    end_lvm
    exec 9>&-
    locked=''
}
