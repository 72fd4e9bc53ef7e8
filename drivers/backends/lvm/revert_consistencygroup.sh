# revert_consistencygroup.sh ... GROUP SET KEPT; standard input: one line `VOLUME BYTES BYTES_IN_SET` per member.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
refuse refused 'a group on lvm cannot go back to a group snapshot yet: make a new group from it'
