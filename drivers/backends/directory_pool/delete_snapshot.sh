# delete_snapshot.sh ... SNAPSHOT
own
lock "$1"
vanish "snap/cgctl-$1" snapshot "$1"
