# read.sh REPOSITORY ID MEMBER: one image to standard output.
# $read_pl, the text of read.pl, is set in front of this by repository.py.
# shellcheck disable=SC2154 # of repository.sh
id=$1 member=$2
need perl sha256sum
own
cd "backup-$id" 2>/dev/null || refuse not-on-server "the backup $id is not in $repository"
sha256sum --status -c manifest.sha256 2>/dev/null || refuse damaged "the manifest of backup $id is damaged"
exec perl -e "${read_pl:?}" -- "$id" "$member"
