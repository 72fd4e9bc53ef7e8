# destination.sh NAME TYPE KEY: what this server can do as a destination. With a NAME: the way's key is enrolled for the
# login user, restricted to the door (standard input) of this way; nothing is written where it is enrolled already.
# shellcheck disable=SC2154 # from place.sh
tools
[ -n "$1" ] || exit 0
command -v perl >/dev/null 2>&1 || exit 0
inbox=$place/inbox-$1
mkdir -p "$inbox"
find "$inbox" -type p -mmin +10 -exec rm -f {} +
[ "$login" = "$me" ] || chown "$login:" "$inbox"
printf 'inbox %s\n' "$inbox"
line="restrict,command=\"exec perl .ssh/cgctl/door.pl $inbox\" $2 $3 cgctl-replication $1"

# enrol HOME LINE: as the login user; nothing of his is touched but the line of this way. Standard input: the door.
# shellcheck disable=SC2016
enrol='set -eu
umask 077
cd -- "$1"
mkdir -p .ssh/cgctl
cat >.ssh/cgctl/door.new.$$
if cmp -s .ssh/cgctl/door.new.$$ .ssh/cgctl/door.pl; then rm .ssh/cgctl/door.new.$$; else mv .ssh/cgctl/door.new.$$ .ssh/cgctl/door.pl; fi
exec 9>>.ssh/cgctl/lock
flock -w 20 9
touch .ssh/authorized_keys
file=$(readlink -f .ssh/authorized_keys)
if grep -qxF -e "$2" "$file"; then exit 0; fi
perl -lne "BEGIN { \$name = shift } print unless / cgctl-replication \Q\$name\E\$/" "$3" "$file" >"$file.cgctl"
printf "%s\n" "$2" >>"$file.cgctl"
chmod --reference="$file" "$file.cgctl"
mv "$file.cgctl" "$file"'
if [ "$login" = "$me" ]; then
    sh -c "$enrol" enrol "$login_home" "$line" "$1"
else
    runuser -u "$login" -- sh -c "$enrol" enrol "$login_home" "$line" "$1"
fi
