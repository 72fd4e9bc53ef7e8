# claim_activities.sh: the directory that keeps the pool's activities is there.
claim
mkdir -p .cgctl/activities
