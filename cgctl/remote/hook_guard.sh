# hook_guard.sh HOOK_TIMEOUT_SECONDS BOUND_SECONDS: run the pre hook, hold, run the post hook. POSIX sh.
#
# A session of its own beside cgctl: whatever becomes of cgctl (killed, stopped, its terminal gone), post runs, once,
# by nobody else, and at the latest BOUND_SECONDS after pre succeeded.
# In:  CGCTL_PRE_COMMAND, CGCTL_POST_COMMAND (may be empty); a line on stdin releases the hold, its end means that
#      cgctl is gone.
# Out: `pre STATUS`, `post-begins REASON` and `post STATUS` on stdout; the hooks' stderr on stderr.
# The hooks' text is only in environments, which other users cannot read, not in the process list.
limit=$1
bound=$2
pre_command=$CGCTL_PRE_COMMAND
post_command=$CGCTL_POST_COMMAND
unset CGCTL_PRE_COMMAND CGCTL_POST_COMMAND
# A handler, not '': that would be inherited by the hooks. The guard outlives the end of its service or session.
trap : TERM HUP INT

# The subshell dies of SIGPIPE when cgctl is gone, the guard does not.
report() {
    (printf '%s\n' "$*") 2>/dev/null || :
}

run_hook() {
    [ -n "$2" ] || return 0
    # shellcheck disable=SC2016 # the inner shell expands it
    CGCTL_HOOK=$1 CGCTL_HOOK_COMMAND=$2 timeout -k 2 "$limit" /bin/sh -c 'eval "$CGCTL_HOOK_COMMAND"' \
        </dev/null >/dev/null
}

hold() {
    line=$(timeout "$bound" head -n 1)
    case $?:$line in
        0:release) reason=released ;;
        0:*) reason=gone ;;
        *) reason=bound ;;
    esac
}

run_hook pre "$pre_command"
status=$?
report pre "$status"
if [ "$status" -eq 0 ]; then
    hold
else
    reason=pre-failed
fi
report post-begins "$reason"
run_hook post "$post_command"
report post $?
