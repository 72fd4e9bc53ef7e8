# revoke.sh NAME: nothing of this way is left here, whichever end of it this server is.
# shellcheck disable=SC2154 # from place.sh
rm -rf "${home:?}/.ssh/cgctl/$1" "${place:?}/inbox-$1"
# shellcheck disable=SC2016
revoke='set -eu
umask 077
cd -- "$1"
[ -e .ssh/authorized_keys ] && [ -d .ssh/cgctl ] || exit 0
file=$(readlink -f .ssh/authorized_keys)
grep -qF " cgctl-replication $2" "$file" || exit 0
exec 9>>.ssh/cgctl/lock
flock -w 20 9
perl -lne "BEGIN { \$name = shift } print unless / cgctl-replication \Q\$name\E\$/" "$2" "$file" >"$file.cgctl"
chmod --reference="$file" "$file.cgctl"
mv "$file.cgctl" "$file"
if ! grep -qF " cgctl-replication " "$file"; then rm -f .ssh/cgctl/door.pl .ssh/cgctl/lock; fi'
if [ "$login" = "$me" ]; then
    sh -c "$revoke" revoke "$login_home" "$1"
else
    runuser -u "$login" -- sh -c "$revoke" revoke "$login_home" "$1"
fi
rmdir "$home/.ssh/cgctl" "$login_home/.ssh/cgctl" 2>/dev/null || :
