# delete.sh REPOSITORY ID MARKED: whole or not; nothing there is fine. MARKED yes: the backup was there whole, so that a
# directory without the repository's mark is most likely the empty one below its file system. Prints `removed`, or nothing.
# shellcheck disable=SC2154 # of repository.sh
id=$1 marked=$2
if [ "$marked" = no ] && [ ! -e cgctl-repository ] && [ ! -e "backup-$id" ]; then exit 0; fi
own
for path in "backup-$id" ".making-$id" ".gone-$id"; do
    if [ -e "$path" ]; then
        remove "$id"
        echo removed
        break
    fi
done
