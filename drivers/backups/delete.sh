# delete.sh REPOSITORY ID: whole or not; nothing there is fine.
[ -e cgctl-repository ] || [ ! -e "backup-$1" ] || refuse pool-unmarked "$repository has lost its mark"
[ -e cgctl-repository ] || exit 0
own
remove "$1"
