# unmanage.sh ... VOLUME REFERENCE: a volume that is in no group becomes a file of the pool's directory.
own
lock "$1"
give_back "live/cgctl-$1" volume "$1" "live/cgctl-$1/cgctl-$1/disk" "$2"
