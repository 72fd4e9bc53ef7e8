# What the server itself needs for gates, outside of the pool; for the scripts that may be a pool's first ones, and for
# repair.sh. `boot_script`, `boot_unit` and `udev_rule` print the files beside this one (scripts.py puts them in).
# shellcheck disable=SC2034,SC2154 # of pool.sh: its variables
boot_file=/usr/local/lib/cgctl/lvm-gates
unit_file=/etc/systemd/system/cgctl-lvm-gates.service
rule_file=/etc/udev/rules.d/12-cgctl-lvm.rules

# keep FILE FUNCTION: write the file unless it is as it shall be.
keep() {
    text=$("$2")
    [ ! -e "$1" ] || [ "$(cat "$1")" != "$text" ] || return 0
    mkdir -p "${1%/*}"
    printf '%s\n' "$text" >"$1.new"
    chmod 644 "$1.new"
    mv -f "$1.new" "$1"
}

# ready: gates are made again at a boot before anything serves them, and udevd leaves them alone.
ready() {
    keep "$boot_file" boot_script
    if [ -d /etc/udev ]; then
        keep "$rule_file" udev_rule
        [ ! -e /run/udev/control ] || udevadm control --reload
    fi
    if [ -d /etc/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
        keep "$unit_file" boot_unit
        systemctl --quiet enable "${unit_file##*/}"
    fi
}

# claim: as own, but a pool without mark and without objects becomes ours, and its server ready for it. Behind `lock`.
claim() {
    look
    [ "$zero" = zero ] || refuse refused "$pool does not zero new blocks (lvchange --zero y $pool): deleted data would show"
    tags=$pool_tags
    if ! tag cgctl.owner; then
        case $state in
            *"$nl  cgctl-"*) refuse pool-foreign "$pool has objects of cgctl and no owner mark" ;;
        esac
        look_at_blocks
        [ "${block_bytes:-512}" -eq 512 ] || refuse refused "blocks of $vg have $block_bytes bytes, not 512: backend-check tells"
        change 'lvmconfig devices/global_filter' 'lvmconfig --type full devices/use_devicesfile'
        if ! hides_gates; then
            case $state in
                *use_devicesfile=1*) [ -e "$devices_file" ] || refuse refused "LVM's devices file is missing: backend-check tells how" ;;
                *) refuse refused "LVM would open clients' volumes (no accept-list in global_filter): backend-check tells how" ;;
            esac
        fi
        ready
        change "lvchange -q --addtag cgctl.owner=$owner $pool"
        of_pool
    fi
    ours
}
