# What LVM may see, for server.sh and check_for_setup_error.sh. $state has what `lvmconfig devices/global_filter` prints.
# shellcheck disable=SC2154 # of pool.sh: its variables
# The names by which LVM can meet a gate.
gate_names='/dev/mapper/cgctl-1 /dev/dm-1 /dev/disk/by-id/dm-name-cgctl-1 /dev/disk/by-id/dm-uuid-CGCTL-1 /dev/block/253:1'

# hides_gates: whether the filter shows LVM none of these names.
hides_gates() {
    case $state in *global_filter=*) ;; *) return 1 ;; esac
    filter=${state##*global_filter=}
    filter=${filter%%"$nl"*}
    for gate_name in $gate_names; do is_hidden "$gate_name" || return 1; done
}

# is_hidden NAME: the first pattern that matches decides; what none matches is shown.
is_hidden() {
    patterns=$filter
    while :; do
        case $patterns in *'"'*'"'*) ;; *) return 1 ;; esac
        patterns=${patterns#*'"'}
        pattern=${patterns%%'"'*} patterns=${patterns#*'"'}
        between=${pattern#??}
        ! printf '%s\n' "$1" | grep -qE -e "${between%?}" || break
    done
    case $pattern in r*) ;; *) return 1 ;; esac
}
