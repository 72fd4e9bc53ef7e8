# Notes of replicated groups; stands behind pool.sh, in front of maps.sh and each method's own lines.
# First parameter of every script, behind pool.sh's: GROUP.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
need mkdir perl rm sed sha256sum sync thin_delta thin_dump
group=$1
shift
scratch='' reserved='' awake=''

undo() {
    end_maps
    [ -z "$awake" ] || asleep
    [ -z "$scratch" ] || rm -rf "$scratch"
    exit "$1"
}

# hold_notes: wait until nobody else sends, receives or writes notes of this group.
hold_notes() {
    exec 7>>"$lock_file.$group"
    flock -w "$lock_wait" 7 || refuse at-work "another transfer of group $group still runs"
}

# notes_of KEY: $found is what stands behind the group in the tags KEY=GROUP/...
notes_of() {
    found='' IFS=,
    for word in $pool_tags; do
        case $word in "$1=$group/"*) found="$found ${word#"$1=$group/"}" ;; esac
    done
    unset IFS
}

# note_of POINT: $note is what stands behind it in its tag.
note_of() {
    note=${pool_tags#*",cgctl.point=$group/$1/"}
    [ "$note" != "$pool_tags" ] || return 1
    note=${note%%,*}
}

# is_marked POINT: whether it is complete.
is_marked() {
    case $pool_tags in *",cgctl.mark=$1/"*) ;; *) return 1 ;; esac
}

marked_or_refuse() {
    is_marked "$1" || refuse not-on-server "recovery point $1 is not in the pool"
}

# retag WORD...: $lines of LVM that change the pool's tags; the words are --addtag and --deltag with their tags.
retag() {
    lines='' words=0
    while [ $# -gt 0 ]; do
        [ "$words" != 0 ] || lines="${lines}lvchange -q"
        lines="$lines $1 $2" words=$((words + 1))
        shift 2
        if [ "$words" = 8 ] || [ $# = 0 ]; then lines="$lines $pool$nl" words=0; fi
    done
}

# write_notes WORD...: retag, and fail unless LVM has done it.
write_notes() {
    retag "$@"
    [ -z "$lines" ] || change "$lines"
    of_pool
    while [ $# -gt 0 ]; do
        case $1,$pool_tags in
            *--addtag,*",$2,"*) ;;
            *--addtag,* | *--deltag,*",$2,"*) refuse refused "LVM does not write the notes of group $group: $noise" ;;
        esac
        shift 2
    done
}

# removal POINT...: $lines that remove points, whole or half-received: first their marks, last their notes.
removal() {
    unmark='' members='' unnote=''
    for point_of in "$@"; do
        value=${pool_tags#*",cgctl.mark=$point_of/"}
        [ "$value" = "$pool_tags" ] || unmark="$unmark --deltag cgctl.mark=$point_of/${value%%,*}"
        ! note_of "$point_of" || unnote="$unnote --deltag cgctl.point=$group/$point_of/$note"
        case $pool_tags in
            *",cgctl.receiving=$group/$point_of,"*) unnote="$unnote --deltag cgctl.receiving=$group/$point_of" ;;
        esac
        tagged "cgctl.set=$point_of"
        members="$members$found"
    done
    # shellcheck disable=SC2086 # words
    retag $unmark
    all=$lines
    # shellcheck disable=SC2086 # names
    each_lv 'lvremove -fy -q' $members
    all="$all$nl$lines$nl"
    # shellcheck disable=SC2086 # words
    retag $unnote
    lines=$all$lines
}

# discard POINT...: behind `lock` and a look.
discard() {
    removal "$@"
    case $lines in *lv*) ;; *) return 0 ;; esac
    change "$lines"
    of_pool
    for point_of in "$@"; do
        tagged "cgctl.set=$point_of"
        [ -z "$found" ] || refuse busy "recovery point $point_of cannot be removed: something uses$found"
        ! is_marked "$point_of" || exit 1
    done
}

# tidy: remove what a cut transfer left, and let members sleep that it has read; who holds the notes knows that nobody
# is at it any more. Behind `lock` and a look.
tidy() {
    notes_of cgctl.receiving
    half=''
    for word in $found; do
        if is_marked "$word"; then write_notes --deltag "cgctl.receiving=$group/$word"; else half="$half $word"; fi
    done
    # shellcheck disable=SC2086 # ids
    [ -z "$half" ] || discard $half
    notes_of cgctl.point
    of_points=$found
    for one in $of_points; do
        tagged "cgctl.set=${one%%/*}"
        for word in $found; do
            find_lv "cgctl-$word"
            case $attr in ????a*) awake="$awake $word" ;; esac
        done
    done
    [ -z "$awake" ] || asleep
}

# wake NAME..., asleep: activate members to read them, and let them sleep again. A lock is held for LVM's part.
wake() {
    awake=$*
    each_lv 'lvchange -q -An -ay -K' "$@"
    change "$lines"
}

asleep() {
    [ -n "$locked" ] || lock
    # shellcheck disable=SC2086 # names
    each_lv 'lvchange -q -An -an' $awake
    awake=''
    change "$lines"
    of_pool
}

clock() {
    date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00
}

# write_point POINT WORDS: note a group snapshot that was just taken, unless it is noted. Behind `lock` and a look.
write_point() {
    ! note_of "$1" || return 0
    stamped "$1"
    is_whole "$1" || refuse refused "group snapshot $1 is not whole"
    stamp_of "$1"
    # shellcheck disable=SC2086 # four words
    write_notes --addtag "$(point_tag "$1" $2)"
}

point_tag() { # point_tag POINT GENERATION SEQUENCE TAKEN_AT KIND: with $stamp
    echo "cgctl.point=$group/$1/$2/$3/$4/$5/$stamp"
}
