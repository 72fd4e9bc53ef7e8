# read.sh REPOSITORY ID MEMBER|all: one image to standard output; `all`: nothing is written but what is damaged, in lines
# `damaged MEMBER OFFSET REASON`, and at the end `checked CHUNKS BYTES`.
# $read_pl, the text of read.pl, is set in front of this by repository.py.
# shellcheck disable=SC2154 # of repository.sh
id=$1 member=$2
need perl sha256sum
own
cd "backup-$id" 2>/dev/null || refuse not-on-server "the backup $id is not in $repository"
if ! sha256sum --status -c manifest.sha256 2>/dev/null; then
    [ "$member" = all ] || refuse damaged "the manifest of backup $id is damaged"
    echo 'damaged - 0 the manifest is not what was written'
fi
exec perl -e "${read_pl:?}" -- "$id" "$member"
