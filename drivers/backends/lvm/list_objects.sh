# list_objects.sh: what is in the pool, in the lines of $state, for drivers/backends/lvm/listing.py.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
own
printf '%s\n' "$state"
