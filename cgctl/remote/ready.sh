# ready.sh NONCE PROGRAM [ARGUMENT...]: what sudo runs. The mark proves that sudo let it through. POSIX sh.
printf '%s-ready\n' "$1" >&2
shift
exec "$@"
