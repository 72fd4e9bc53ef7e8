# revert_consistencygroup.sh ... GROUP SET KEPT: the members of the set SET take the place of the group's, all at once;
# those that were there become the group snapshot KEPT, or are removed where it is empty.
# Standard input: one line `VOLUME BYTES BYTES_IN_SET` per member, which has BYTES afterwards, too.
# Prints KEPT's receipt, as create_cgsnapshot.sh does.
#
# The whole is one exchange of two directories (renameat2(2)). A file in the new container says that it has happened, so
# that a second run ends what a killed one began; a failure afterwards exchanges them back.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh
group=$1 set=$2 kept=$3
live=live/cgctl-$group
swapped=$live/.reverted
settled=groupsnap/cgctl-$kept
members=$(cat)
now=$(printf '%s\n' "$members" | sed 's/ [0-9]*$//')
then=$(printf '%s\n' "$members" | sed 's/ [0-9]* / /')

exchange() { # exchange DIRECTORY DIRECTORY: mv does it from coreutils 9.5 on; perl is on every Debian.
    mv --exchange -T "$1" "$2" 2>/dev/null && return 0
    case $(uname -m) in
        x86_64) renameat2=316 ;;
        aarch64 | riscv64 | loongarch64) renameat2=276 ;;
        ppc64*) renameat2=357 ;;
        s390x) renameat2=347 ;;
        arm*) renameat2=382 ;;
        i?86) renameat2=353 ;;
        *) refuse tool-missing "mv --exchange (coreutils 9.5 or newer) is not installed" ;;
    esac
    need perl
    # shellcheck disable=SC2016 # perl's variables
    perl -e '$! = 0; syscall(0 + $ARGV[0], -100, $ARGV[1], -100, $ARGV[2], 2) == 0 or die "renameat2: $!\n"' \
        "$renameat2" "$1" "$2"
}

replace() {
    marked "$set"
    [ -d "$live" ] || refuse not-on-server "group $group is not in the pool"
    exactly "$live" "$now"
    exactly "groupsnap/cgctl-$set" "$then"
    while read -r volume bytes bytes_in_set; do
        [ "$bytes_in_set" -le "$bytes" ] || refuse refused "volume $volume is smaller than it was in the group snapshot"
        ! opened "$live/cgctl-$volume/disk" || refuse busy "volume $volume is in use: end its export first"
    done <<END
$members
END
    needed_room "groupsnap/cgctl-$set"/cgctl-*/disk
    if [ -n "$kept" ]; then stage groupsnap group_snapshot "$kept"; else stage live group "$group"; fi
    # shellcheck disable=SC2046 # ids
    copy_members "groupsnap/cgctl-$set" "$staging" $(ids_of "$members")
    rm -rf "$staging"/.staging-* "$staging/.reverted"
    while read -r volume bytes _; do
        chmod 600 "$staging/cgctl-$volume/disk"
        truncate -s "$bytes" "$staging/cgctl-$volume/disk"
        sync "$staging/cgctl-$volume/disk" "$staging/cgctl-$volume"
    done <<END
$members
END
    printf '%s\n' "$kept" >"$staging/.reverted"
    sync "$staging"
    rm -rf "$live"/.staging-* "$swapped"
    place=$staging
    trap 'undo_replace $?' EXIT
    exchange "$place" "$live" || refuse refused "the file system of $pool cannot exchange two directories"
    sync "${place%/*}" live
}

# Until the end, whoever fails puts back what was replaced.
undo_replace() {
    [ "$1" != 0 ] || exit 0
    trap - EXIT
    if [ -e "$swapped" ]; then
        rm -f ".cgctl/sets/cgctl-$kept" ".cgctl/sets/cgctl-$kept.new"
        unseal "$staging" && { [ "$staging" = "$place" ] || mv -T "$staging" "$place"; } && exchange "$place" "$live" ||
            exit 1
    fi
    remove_tree "$place" || :
    exit "$1"
}

keep() {
    place=groupsnap/.staging-group_snapshot-$kept
    [ -e "$place" ] || mv -T "$settled" "$place"
    staging=$place
    trap 'undo_replace $?' EXIT
    at=$(clock)
    seal "$staging"
    prepare_mark "$kept" "$group revert $(printf '%s\n' "$members" | sed -n '$=') $at $at 0"
    mv -T "$staging" "$settled"
    staging=$settled
    sync groupsnap
    settle_mark "$kept"
}

# What cannot be removed now is listed as half-made, and removed by the next run or with the group.
discard() {
    trap - EXIT
    remove_tree "$staging" || :
}

own
lock "$group" "${kept:-$group}"
if [ -z "$kept" ]; then
    replace
    discard
elif ! { [ -e ".cgctl/sets/cgctl-$kept" ] && [ -e "$settled" ]; }; then
    [ "$(cat "$swapped" 2>/dev/null)" = "$kept" ] || replace
    keep
fi
trap - EXIT
rm -f "$swapped"
[ -z "$kept" ] || sed 's/^[^ ]* //' ".cgctl/sets/cgctl-$kept"
