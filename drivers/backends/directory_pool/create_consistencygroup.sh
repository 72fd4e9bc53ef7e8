# create_consistencygroup.sh ... GROUP
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh
claim
lock "$1"
[ ! -e "live/cgctl-$1" ] || exit 0
stage live group "$1"
make_container "$staging"
settle "live/cgctl-$1"
