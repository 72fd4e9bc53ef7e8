# repair.sh: what the server needs for the gates is there, every volume has its gate, and none is held.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
need cat chmod mkdir mv xargs
lock
look
tags=$pool_tags
# What is not ours is not repaired; the check tells whose it is.
tag cgctl.owner && [ "$value" = "$owner" ] || exit 0
ready
# Behind the lock no hold stands: what is held was left so. And a gate stands above its own LV.
for gate in $(dmsetup info -c --noheadings --separator , -o name,suspended); do
    volume=${gate%,*} volume=${volume#cgctl-}
    case $gate in cgctl-*) ;; *) continue ;; esac
    if ! find_lv "cgctl-$volume" || is_elsewhere "$volume"; then continue; fi
    case $gate in *,Suspended) dmsetup resume "cgctl-$volume" ;; esac
    stands_well "$volume" || dmsetup remove "cgctl-$volume" || :
done
settle_group
# A file system that has stopped is mounted anew, unless something still serves it, or it could be written no better.
of_pool
case $pool_attr in
    ????????[DF]*) ;;
    *)
        for gate in $(dmsetup info -c --noheadings -o name); do
            ! has_stopped "${gate#cgctl-}" || unmount_volume "${gate#cgctl-}" || :
        done
        ;;
esac
sh "$boot_file" "$vg"
