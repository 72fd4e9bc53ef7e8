# verdict.sh REPOSITORY ID: what verify.sh has found last.
# shellcheck disable=SC2154 # of repository.sh
own
cat "backup-$1/verdict" 2>/dev/null || refuse not-on-server "the backup $1 was not verified in $repository"
