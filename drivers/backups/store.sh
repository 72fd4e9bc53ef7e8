# store.sh REPOSITORY ID ALGORITHM: what send.pl says, from standard input, into the backup that begin.sh began; it is
# there whole afterwards, or not at all. ALGORITHM: zstd | gzip | lz4 | none, for chunks that come as they are.
# $store_pl, the text of store.pl, is set in front of this by repository.py.
id=$1 algorithm=$2
own
cd ".making-$id" 2>/dev/null || refuse not-on-server "the backup $id was not begun"
exec 8>>lock
flock -n 8 || refuse at-work "the backup $id is being written by another process"
undo() {
    status=$?
    if [ "$status" != 0 ]; then cd .. && rm -rf ".making-$id"; fi
    exit "$status"
}
trap undo EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
perl -e "${store_pl:?}" -- "$algorithm" >facts
cat head facts >manifest
sha256sum manifest >manifest.sha256
rm -f head facts
sync -f .
mv -T "../.making-$id" "../backup-$id"
trap - EXIT
rm -f lock
sync ..
