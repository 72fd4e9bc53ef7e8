# frame.sh NONCE PROGRAM [ARGUMENT...]: run a program between two marks on both of its outputs.
# What a login shell's profile prints lies outside of them. POSIX sh.
nonce=$1
shift
LC_ALL=C
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
printf '%s-begin\n' "$nonce"
printf '%s-begin\n' "$nonce" >&2
status=0
"$@" || status=$?
printf '\n%s-end %d\n' "$nonce" "$status"
printf '\n%s-end %d\n' "$nonce" "$status" >&2
