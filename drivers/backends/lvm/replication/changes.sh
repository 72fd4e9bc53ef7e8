# changes.sh ... GROUP SET BASE: `changed BYTES -`: how one group snapshot differs from an older one, in chunks of the pool.
# Nobody knows when a block device was last written to.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh and notes.sh: their variables, and `undo`, which the trap calls
set_id=$1 base=$2
own
marked "$set_id"
marked "$base"
delta_jobs "$set_id" "$base"
make_maps "$jobs"
of_maps
if [ "$ranges" != 0 ] || [ -n "$grown" ]; then [ "$bytes" != 0 ] || bytes=1; fi
printf 'changed %s -\n' "$bytes"
