# checksums.sh ... GROUP POINT CHUNK: what sums.pl tells of every disk of a point.
own
is_marked "$1" || refuse not-on-server "recovery point $1 is not in the pool"
need perl
point=$1 chunk=$2
set --
for place in "groupsnap/cgctl-$point"/cgctl-*; do
    set -- "$@" "${place##*/cgctl-}" "$(size "$place/disk")" "$place/disk"
done
# Marks go before members: what is marked now was listed as a whole.
is_marked "$point" || refuse not-on-server "recovery point $point is not in the pool any more"
perl -e "${sums_pl:?}" -- "$chunk" "$@"
