# source.sh NAME HOST_KEYS: what this server can do as a source. With a NAME: the public half of the key of that way,
# which is made when it is first asked for; HOST_KEYS are the far side's, as lines of known_hosts.
# shellcheck disable=SC2154 # from place.sh
tools
[ -n "$1" ] || exit 0
command -v ssh >/dev/null 2>&1 && command -v ssh-keygen >/dev/null 2>&1 || exit 0
keys=$home/.ssh/cgctl/$1
mkdir -p "$keys"
exec 9>>"$keys/lock"
flock -w 20 9
if ! [ -s "$keys/key.pub" ]; then
    rm -f "$keys/key" "$keys/key.pub"
    ssh-keygen -q -t ed25519 -N '' -C "cgctl-replication $1" -f "$keys/key" </dev/null
fi
printf '%s\n' "$2" >"$keys/known_hosts.new"
mv "$keys/known_hosts.new" "$keys/known_hosts"
printf 'keys %s\n' "$keys"
cut -d ' ' -f 1,2 "$keys/key.pub" | sed 's/^/key /'
