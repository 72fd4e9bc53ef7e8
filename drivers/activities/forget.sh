# forget.sh PLACE ID: remove what is known of an activity that is over. Not there is fine.
# shellcheck disable=SC2154 # of activity.sh
id=$1
look "$id" || exit 0
is_over || refuse busy "the activity $id is $state: cancel it first"
[ ! -e "$id/remains" ] || refuse busy "what the activity $id left could not be removed: cancel it again"
mv -T "$id" ".staging-$id-$$"
rm -rf ".staging-$id-$$"
