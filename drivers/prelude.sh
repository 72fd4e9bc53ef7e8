# Shared head of every script of the drivers; see drivers/command.py. POSIX sh.
set -eu
umask 077
LC_ALL=C
export LC_ALL

# refuse WORD TEXT: end with a refusal that drivers/refusals.py turns into its error class.
# The promise behind it: the server is as it was before the script began.
refuse() {
    printf 'cgctl-refused %s: %s\n' "$1" "$2" >&2
    exit 3
}

# need PROGRAM...: refuse when a program is not installed.
need() {
    for program in "$@"; do
        command -v "$program" >/dev/null 2>&1 || refuse tool-missing "$program is not installed"
    done
}
