# get_volume_stats.sh: `mark ours|none`, `room` with what how_full prints, and the lines of $state.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
look
tags=$pool_tags
if tag cgctl.owner; then
    [ "$value" = "$owner" ] || refuse pool-foreign "$pool belongs to another state store ($value)"
    echo 'mark ours'
else
    echo 'mark none'
fi
printf 'room %s\n%s\n' "$(how_full)" "$state"
