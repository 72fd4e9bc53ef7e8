# begin.sh REPOSITORY FRESH ID PARENT: room for a new backup, with the chunks of its parent (if it is there); prints them.
# Reads the head of the manifest. FRESH yes: an empty directory may become the repository.
# shellcheck disable=SC2154 # of repository.sh
fresh=$1 id=$2 parent=$3
need cp find flock mv perl rm sha256sum sync
if [ "$fresh" = yes ]; then claim; else own; fi
[ ! -e "backup-$id" ] || refuse already-on-server "the backup $id is there already"
remove "$id"
mkdir ".making-$id"
trap '[ "$?" = 0 ] || rm -rf ".making-$id"' EXIT
: >".making-$id/lock"
cat >".making-$id/head"
if [ -n "$parent" ] && [ -e "backup-$parent" ]; then
    cp -al "backup-$parent/chunks" ".making-$id/chunks" ||
        refuse refused "$repository cannot be a repository: its file system has no hard links, or no room"
else
    mkdir ".making-$id/chunks"
fi
find ".making-$id/chunks" -type f -printf '%f\n'
