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
    # A background command would read nothing: it gets our input by another number.
    { "$@" <&5 5<&- & } 5<&0
    measure_of "$!"
    measure_status=0
    wait "$measure_of" || measure_status=$?
    return "$measure_status"
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
    printf '%s %s %s %s %s %s\n' "$measure_of" "${measure_birth:--}" "$measure_base" "$measure_total" "$measure_field" \
        "$measure_share" >"$CGCTL_ACTIVITY/meter.new"
    mv -f "$CGCTL_ACTIVITY/meter.new" "$CGCTL_ACTIVITY/meter"
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
