# delete_cgsnapshot.sh ... GROUP_SNAPSHOT: without its mark it is void, whatever happens next.
own
lock "$1"
rm -f ".cgctl/sets/cgctl-$1" ".cgctl/sets/cgctl-$1.new"
sync .cgctl/sets
vanish "groupsnap/cgctl-$1" group_snapshot "$1"
