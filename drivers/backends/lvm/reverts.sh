# Ending what reverts have left in the middle; stands behind gates.sh in every script.
# shellcheck disable=SC2034,SC2154 # of pool.sh: its variables

# settle_revert VOLUME: end what a revert left in the middle: the volume is there, and neither _new nor _old.
settle_revert() {
    if find_lv "cgctl-$1_old" && ! find_lv "cgctl-$1"; then
        change "lvrename -q $vg cgctl-$1_old cgctl-$1" "lvchange -q -ay $vg/cgctl-$1"
    fi
    waken "$1"
    for word in new old; do
        ! find_lv "cgctl-$1_$word" || change "lvremove -fy -q $vg/cgctl-$1_$word"
    done
}

# waken VOLUME: a revert that was cut has left it as it was, and inactive.
waken() {
    ! find_lv "cgctl-$1" || case $attr in ????a*) ;; *) change "lvchange -q -ay $vg/cgctl-$1" ;; esac
}

# left_by_reverts WORD: $found is what stands behind cgctl- in the names of all LVs that reverts have named ID_WORD. Another
# hand's LV may be called alike: ours carry the id of a volume and its tags.
left_by_reverts() {
    found='' IFS=$nl
    for line in $state; do
        case $line in
            '  cgctl-'????????-????-????-????-????????????"_$1|"*cgctl.bytes=*)
                line=${line#'  cgctl-'} && found="$found ${line%%'|'*}"
                ;;
        esac
    done
    unset IFS
}

# settle_reverts: end what reverts that were killed have left, of a group before its decision or behind its end, and of
# single volumes; behind `lock`, when nothing is decided.
settle_reverts() {
    case $state in *'_new|'* | *'_was|'* | *'_old|'*) ;; *) return 0 ;; esac
    left_by_reverts old
    for word in $found; do settle_revert "${word%_old}"; done
    left_by_reverts new
    stale=$found
    for word in $stale; do waken "${word%_new}"; done
    left_by_reverts was
    # shellcheck disable=SC2086 # names
    each_lv 'lvremove -fy -q' $stale $found
    [ -z "$lines" ] || change "$lines"
    of_pool
}

# settle_group: end what revert_consistencygroup.sh has decided: its copies take the place of the group's volumes. Behind
# `lock`; nothing where nothing was decided. One lvm process, in a session of its own, exchanges all members.
settle_group() {
    tags=$pool_tags
    if ! tag cgctl.reverting; then
        settle_reverts
        return
    fi
    decided=$value
    IFS=/ read -r group_of kept_as count_of at <<END
$decided
END
    tagged "cgctl.group=$group_of"
    exchange='' back=''
    for word in $found; do
        case $word in *_new) word=${word%_new} ;; *) continue ;; esac
        back="$back $word"
        remove_gate "$word"
        if find_lv "cgctl-$word"; then
            if [ -n "$kept_as" ]; then
                exchange="${exchange}lvchange -q -An --deltag cgctl.kind=volume --deltag cgctl.group=$group_of \
--addtag cgctl.kind=member --addtag cgctl.set=$kept_as --addtag cgctl.volume=$word $vg/cgctl-$word
lvchange -q -An -an $vg/cgctl-$word
lvchange -q -An -ky $vg/cgctl-$word
lvchange -q -An -pr $vg/cgctl-$word
lvrename -q -An $vg cgctl-$word cgctl-${kept_as}_$word$nl"
            else
                exchange="${exchange}lvchange -q -An --deltag cgctl.kind=volume --deltag cgctl.group=$group_of $vg/cgctl-$word
lvrename -q -An $vg cgctl-$word cgctl-${word}_was$nl"
            fi
        fi
        exchange="${exchange}lvrename -q -An $vg cgctl-${word}_new cgctl-$word
lvchange -q -ay $vg/cgctl-$word$nl"
    done
    [ -z "$exchange" ] || change "$exchange"
    of_pool
    tagged "cgctl.group=$group_of"
    case "$found " in *_new\ *) refuse busy "the revert of group $group_of cannot be ended: see lvs $vg" ;; esac
    for word in $found; do
        find_lv "cgctl-$word"
        tag cgctl.bytes || :
        make_gate "$word" "$value"
        grow_file_system "$word"
    done
    done_as="lvchange -q --deltag cgctl.reverting=$decided"
    [ -z "$kept_as" ] || done_as="$done_as --addtag cgctl.mark=$kept_as/$group_of/revert/$count_of/$at/$at/0"
    left_by_reverts was
    # shellcheck disable=SC2086 # names
    each_lv 'lvremove -fy -q' $found
    change "$done_as $pool" "$lines"
    of_pool
}
