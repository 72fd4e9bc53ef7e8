# check_for_setup_error.sh: facts for drivers/backends/lvm/findings.py; nothing is changed.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
need grep sha256sum
# LVM's own answers come behind, in lines of its own forms.
change 'lvmconfig devices/global_filter' 'lvmconfig --type full devices/use_devicesfile' \
    'lvmconfig --type full activation/monitoring' 'lvmconfig --type full activation/thin_pool_autoextend_threshold' \
    "lvs -q --noheadings --nameprefixes --unquoted -o lv_check_needed,lv_health_status,seg_monitor,vg_mda_size,\
vg_missing_pv_count $pool" 'pvs -q --noheadings --nameprefixes --unquoted -o pv_name'
of_pool
set +f
tags=$pool_tags
tag cgctl.owner || :
printf 'owner %s\nroom %s\nattr %s\nzero %s\n' "$value" "$(how_full)" "$pool_attr" "${zero:-no}"
printf 'metadata_area %s\n' "$mda_free"
look_at_blocks
printf 'blocks %s\n' "$block_bytes"
if hides_gates; then echo 'gates hidden'; else echo 'gates shown'; fi
[ -z "$file_system" ] || printf 'form %s\n' "$file_system"
if [ ! -e "$devices_file" ]; then
    echo 'devices_file none'
elif grep -q -e cgctl- -e CGCTL- "$devices_file"; then
    echo 'devices_file gates'
else
    echo 'devices_file disks'
fi
if [ -e /run/udev/control ]; then echo 'udevd yes'; else echo 'udevd no'; fi
if grep -qs CGCTL- /etc/udev/rules.d/*.rules /lib/udev/rules.d/*.rules; then echo 'rule yes'; else echo 'rule no'; fi
if [ ! -d /run/systemd/system ]; then
    echo 'boot none'
elif [ -e /usr/local/lib/cgctl/lvm-gates ] && systemctl --quiet is-enabled cgctl-lvm-gates.service; then
    echo 'boot yes'
    sha256sum /usr/local/lib/cgctl/lvm-gates | while read -r sum _; do printf 'boot_script %s\n' "$sum"; done
else
    echo 'boot no'
fi
dmsetup info -c --noheadings --separator ' ' -o name,suspended,blkdevname |
    while read -r name word device; do
        case $name in
            cgctl-*)
                ! find_lv "$name" || stands_well "${name#cgctl-}" || printf 'misplaced %s %s\n' "${name#cgctl-}" "$stands"
                ! is_elsewhere "${name#cgctl-}" || continue
                holders=''
                for path in /sys/block/"$device"/holders/*; do
                    [ ! -e "$path/dm/name" ] || { read -r holder <"$path/dm/name" && holders="$holders $holder"; }
                done
                printf 'gate %s %s%s\n' "${name#cgctl-}" "$word" "$holders"
                ! is_mounted "${name#cgctl-}" || printf 'mounted %s\n' "${name#cgctl-}"
                ! has_file_system "${name#cgctl-}" || ! is_fenced || printf 'fenced %s\n' "${name#cgctl-}"
                ! has_stopped "${name#cgctl-}" || printf 'stopped %s\n' "${name#cgctl-}"
                ;;
        esac
    done
printf '%s\n' "$state"
