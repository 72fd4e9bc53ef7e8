# list_manageable.sh: the lines of $state, of cgctl's and of others' LVs. Also before the pool is ours.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
look
tags=$pool_tags
! tag cgctl.owner || ours
printf '%s\n' "$state"
