# Notes of replicated groups; stands behind pool.sh and the driver's stream.sh, in front of each method's own lines.
#   .cgctl/replication/cgctl-<group>/side            GENERATION serving|fenced
#   .cgctl/replication/cgctl-<group>/generations     lines ID PARENT POINT, - where there is none
#   .cgctl/replication/cgctl-<group>/point-<point>   GENERATION SEQUENCE TAKEN_AT final|plain STAMP
#   .cgctl/replication/cgctl-<group>/receiving       POINT that is being received
#   .cgctl/replication/cgctl-<group>/lock            flock of whoever sends, receives or writes notes
# shellcheck disable=SC2154 # $pool and $lock_wait are known from pool.sh
# First parameter of every script, behind pool.sh's: GROUP.
need cksum sha256sum
group=$1
shift
notes=.cgctl/replication/cgctl-$group
as_blocks='received-blocks'

# hold_notes: wait until nobody else sends, receives or writes notes of this group.
hold_notes() {
    [ -w . ] || refuse pool-missing "$pool cannot be written: is it mounted read-only?"
    mkdir -p "$notes"
    exec 7>>"$notes/lock"
    flock -w "$lock_wait" 7 || refuse at-work "another transfer of group $group still runs"
}

# tidy: remove what a cut transfer or a cut removal left; whoever holds the notes knows that nobody is at it any more.
tidy() {
    for stale in "$notes"/point-*; do
        stale=${stale##*/point-}
        case $stale in *.new | '*') continue ;; esac
        is_marked "$stale" || discard "$stale"
    done
    [ -e "$notes/receiving" ] || return 0
    read -r left <"$notes/receiving" || left=''
    [ -z "$left" ] || is_marked "$left" || discard "$left"
    rm -f "$notes/receiving"
}

# write_note NAME TEXT: in one step, and for good.
write_note() {
    printf '%s\n' "$2" >"$notes/$1.new"
    sync "$notes/$1.new"
    mv -T "$notes/$1.new" "$notes/$1"
    sync "$notes"
}

# know_generations: add the lines of standard input; a generation that is known already gets its new line.
know_generations() {
    lines=$( { cat; cat "$notes/generations" 2>/dev/null || :; } | grep . | sort -s -u -k 1,1) || lines=''
    [ "$lines" = "$(cat "$notes/generations" 2>/dev/null)" ] || write_note generations "$lines"
}

# is_marked POINT: whether it is complete.
is_marked() {
    [ -e ".cgctl/sets/cgctl-$1" ] && [ -d "groupsnap/cgctl-$1" ]
}

# came_as_blocks POINT: so its mark says.
came_as_blocks() (
    read -r _ how _ <".cgctl/sets/cgctl-$1" && [ "$how" = "$as_blocks" ]
) 2>/dev/null

# stamp POINT: what differs as soon as somebody has changed one of its disks.
stamp() {
    stat -c '%n %s %.9Y %.9Z' "groupsnap/cgctl-$1"/cgctl-*/disk | sha256sum | sed 's/ .*//'
}

# is_intact POINT: its disks are as they were noted.
is_intact() (
    read -r _ _ _ _ noted <"$notes/point-$1" || return 1
    [ "$noted" = "$(stamp "$1")" ] && is_sealed "$1"
)

# usable POINT: refuse unless it may be the base of a delta.
usable() {
    is_marked "$1" || refuse not-on-server "recovery point $1 is not in the pool"
    is_intact "$1" || refuse point-changed "recovery point $1 was changed by hand"
}

# discard POINT: whole or half-received, first its mark, last its note.
discard() {
    rm -f ".cgctl/sets/cgctl-$1" ".cgctl/sets/cgctl-$1.new"
    sync .cgctl/sets
    vanish "groupsnap/cgctl-$1" group_snapshot "$1"
    remove_tree "groupsnap/.staging-base-$1"
    rm -f "$notes/point-$1" "$notes/point-$1.new"
}
