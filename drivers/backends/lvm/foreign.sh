# Shared by the scripts that take thin LVs of the pool over, or give them back: by their names and tags, no data move.
# Tags come first and go last, so that a second run knows what a killed one did.
# shellcheck disable=SC2154 # of pool.sh: its variables

# take REFERENCE BYTES: refuse what is not safe to take over; behind it, its $attr and $tags are found.
take() {
    find_lv "$1" || refuse not-on-server "$1 is not in $pool"
    case $1,$attr in
        cgctl-*) refuse refused "$1 is cgctl's" ;;
        *,V?????o*) refuse busy "$1 is in use on the server" ;;
        *,Vr*) refuse refused "$1 is read-only (lvchange -prw $vg/$1)" ;;
        *,V*) ;;
        *) refuse refused "$1 is not a thin LV" ;;
    esac
    [ "$lv_bytes" = "$2" ] || refuse refused "$1 has $lv_bytes bytes, not $2"
}

# holds_xfs NAME: refuse what does not begin as an xfs file system does; behind `take`.
holds_xfs() {
    was_active=yes
    case $attr in ????a*) ;; *) was_active='' && change "lvchange -q -ay -K $vg/$1" ;; esac
    begins=$(dd if="/dev/$vg/$1" bs=4 count=1 status=none)
    [ -n "$was_active" ] || change "lvchange -q -an $vg/$1"
    [ "$begins" = XFSB ] || refuse refused "$1 holds no xfs file system"
}

# give_back NAME REFERENCE: the LV of the object is called so, and carries nothing of ours.
give_back() {
    if find_lv "$1"; then
        ! find_lv "$2" || refuse already-on-server "$vg/$2 is there already"
        change "lvrename -q $vg $1 $2"
        ! find_lv "$1" || exit 1
    fi
    find_lv "$2" || refuse not-on-server "$1 is not in the pool"
    rest=$tags ours=''
    while [ "${rest#*,cgctl.}" != "$rest" ]; do
        rest=${rest#*,cgctl.}
        ours="$ours --deltag cgctl.${rest%%,*}"
        rest=,${rest#*,}
    done
    [ -n "$ours" ] || return 0 # given back before, or never ours
    change "lvchange -q -kn $vg/$2" "lvchange -q -prw $vg/$2" "lvchange -q$ours $vg/$2"
    find_lv "$2"
}
