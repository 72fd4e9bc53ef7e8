# delete.sh REPOSITORY ID: whole or not; nothing there is fine.
# shellcheck disable=SC2154 # of repository.sh
[ -e cgctl-repository ] || [ ! -e "backup-$1" ] || refuse pool-unmarked "$repository has lost its mark"
[ -e cgctl-repository ] || exit 0
own
remove "$1"
