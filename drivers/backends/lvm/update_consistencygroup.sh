# update_consistencygroup.sh ... GROUP; standard input: lines `add VOLUME` and `remove VOLUME`. Only tags change: the
# volumes are served on, from where they were.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
group=$1
moves=$(cat)
lock
own
has_group "$group" || refuse not-on-server "group $group is not in the pool"
set --
while read -r way volume; do
    [ -n "$way" ] || continue
    find_lv "cgctl-$volume" || refuse not-on-server "volume $volume is not in the pool"
    tag cgctl.group || :
    case $way:$value in
        add:) set -- "$@" "lvchange -q --addtag cgctl.group=$group $vg/cgctl-$volume" ;;
        "remove:$group") set -- "$@" "lvchange -q --deltag cgctl.group=$group $vg/cgctl-$volume" ;;
        "add:$group" | remove:) ;;
        *) refuse refused "volume $volume stands in group $value" ;;
    esac
done <<END
$moves
END
[ $# -gt 0 ] || exit 0
change "$@"
while read -r way volume; do
    find_lv "cgctl-$volume"
    tag cgctl.group || :
    case $way:$value in "add:$group" | remove:) ;; *) exit 1 ;; esac
done <<END
$moves
END
