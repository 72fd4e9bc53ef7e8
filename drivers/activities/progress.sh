# For work that may run as an activity, and just as well without: who counts how far it is (see poll.sh).

# measured BASE TOTAL FIELD SHARE COMMAND...: run it; what it reads (rchar) or writes (wchar), divided by SHARE, is the
# progress above BASE.
measured() {
    if [ -z "${CGCTL_ACTIVITY:-}" ]; then
        shift 4
        "$@"
        return
    fi
    measure_base=$1 measure_total=$2 measure_field=$3 measure_share=$4
    shift 4
    measure_own "$measure_field"
    measure_before=$measure_count
    # A background command would read nothing: it gets our input by another number.
    { "$@" <&5 5<&- & } 5<&0
    measure_of "$!"
    measure_status=0
    wait "$measure_of" || measure_status=$?
    # What it was waited for has counted is ours by now: the progress stays there, while the data go to the disk.
    measure_own "$measure_field"
    measure_base=$((measure_base + (measure_count - measure_before) / measure_share))
    measure_meter - -
    return "$measure_status"
}

# measure_own FIELD: $measure_count of this shell, and of all for whose end it has waited; no subshell has that.
measure_own() {
    measure_count=0
    {
        while read -r measure_key measure_value; do
            [ "$measure_key" != "$1:" ] || measure_count=$measure_value
        done </proc/self/io
    } 2>/dev/null || :
}

measure_meter() { # PID BORN
    printf '%s %s %s %s %s %s\n' "$1" "$2" "$measure_base" "$measure_total" "$measure_field" "$measure_share" \
        >"$CGCTL_ACTIVITY/meter.new"
    mv -f "$CGCTL_ACTIVITY/meter.new" "$CGCTL_ACTIVITY/meter"
}

measure_of() {
    measure_of=$1
    measure_birth=''
    if { read -r measure_line <"/proc/$1/stat"; } 2>/dev/null; then
        # shellcheck disable=SC2086 # numbers
        set -- ${measure_line##*) }
        shift 19
        measure_birth=$1
    fi
    measure_meter "$measure_of" "${measure_birth:--}"
}

# all_done TOTAL: the count of the end.
all_done() {
    [ -n "${CGCTL_ACTIVITY:-}" ] || return 0
    printf '%s %s\n' "$1" "$1" >"$CGCTL_ACTIVITY/progress"
    rm -f "$CGCTL_ACTIVITY/meter"
}

# receive_image BYTES FILE: so many bytes of standard input, into a file or device that reads as zeros; zeros are not
# written. Refuses when the stream ends before, or goes on.
receive_image() {
    received=$(measured 0 "$1" rchar 1 dd bs=1M iflag=fullblock conv=sparse,nocreat of="$2" 2>&1) || {
        printf '%s\n' "$received" >&2
        return 1
    }
    received=$(printf '%s\n' "$received" | sed -n 's/^\([0-9]*\) bytes.* copied.*$/\1/p')
    [ "$received" = "$1" ] || refuse refused "$received bytes arrived, not $1"
}
