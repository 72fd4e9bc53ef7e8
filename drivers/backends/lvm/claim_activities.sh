# claim_activities.sh: the directory of the server that keeps the pool's activities is there.
# shellcheck disable=SC2154 # of pool.sh: its variables
lock
claim
mkdir -p "/var/lib/cgctl/activities/$pool"
