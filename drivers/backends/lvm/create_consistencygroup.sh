# create_consistencygroup.sh ... GROUP
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
lock
claim
! has_group "$1" || exit 0
change "lvchange -q --addtag cgctl.group=$1 $pool"
of_pool
has_group "$1"
