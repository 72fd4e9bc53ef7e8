# Head of the scripts of this folder. POSIX sh.
#   place     where notes of running transfers stand, and fifos; empty after a boot where that is possible
#   login     the user that ssh knows; behind sudo he is not who runs this
#   home      of whoever runs this;  login_home: of the login user
set -eu
umask 077
LC_ALL=C
export LC_ALL
home_of() {
    getent passwd "$1" | cut -d : -f 6
}
me=$(id -un)
home=$(home_of "$me")
login=$me
# shellcheck disable=SC2034 # for those that stand behind this
if [ "$(id -u)" = 0 ]; then
    login=${SUDO_USER:-$me}
    place=/run/cgctl
else
    place=$home/.ssh/cgctl
fi
# shellcheck disable=SC2034
login_home=$(home_of "$login")
mkdir -p "$place"
case $place in /run/*) chmod 755 "$place" ;; esac

# tools: what this server has of what a transfer may use.
tools() {
    for tool in perl ssh ssh-keygen zstd gzip; do
        if command -v "$tool" >/dev/null 2>&1; then printf 'tool %s\n' "$tool"; fi
    done
    printf 'place %s\n' "$place"
}
