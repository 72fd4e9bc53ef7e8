# verify.sh REPOSITORY ID: read and prove every chunk. Into the file `verdict` of the backup, as a whole: what read.pl says
# of all images.
# $read_pl, the text of read.pl, is set in front of this by repository.py.
# shellcheck disable=SC2154 # of repository.sh
id=$1
need perl sha256sum
own
if ! cd "backup-$id" 2>/dev/null; then # there is no room for a verdict, and that is one
    echo "the backup $id is not in $repository"
    exit 0
fi
exec 3>verdict.new
sha256sum --status -c manifest.sha256 2>/dev/null || echo 'damaged - 0 the manifest is not what was written' >&3
perl -e "${read_pl:?}" -- "$id" all >&3
sync verdict.new
mv -f verdict.new verdict
