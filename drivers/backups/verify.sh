# verify.sh REPOSITORY ID: read and prove every chunk. Into the file `verdict` of the backup, as a whole: what read.pl says
# of all images.
# $read_pl, the text of read.pl, is set in front of this by repository.py.
# shellcheck disable=SC2154 # of repository.sh
id=$1
need perl sha256sum
own
cd "backup-$id" 2>/dev/null || refuse not-on-server "the backup $id is not in $repository"
exec 3>verdict.new
sha256sum --status -c manifest.sha256 2>/dev/null || echo 'damaged - 0 the manifest is not what was written' >&3
perl -e "${read_pl:?}" -- "$id" all >&3
sync verdict.new
mv -f verdict.new verdict
