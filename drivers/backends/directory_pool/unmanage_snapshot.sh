# unmanage_snapshot.sh ... SNAPSHOT REFERENCE: a snapshot of a single volume becomes a file of the pool's directory.
own
lock "$1"
give_back "snap/cgctl-$1" snapshot "$1" "snap/cgctl-$1/disk" "$2"
