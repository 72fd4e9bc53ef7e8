# check_for_setup_error.sh: facts for drivers/backends/lvm/findings.py; nothing is changed.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh: its variables, and `undo`, which the trap calls
need lvmconfig
look
tags=$pool_tags
tag cgctl.owner || :
printf 'owner %s\nroom %s %s %s\nattr %s\nzero %s\n' "$value" "$pool_bytes" "$data" "$metadata" "$attr" "${zero:-no}"
printf 'filter %s\n' "$(lvm lvmconfig devices/global_filter 2>/dev/null || :)"
printf 'monitor %s\n' "$(lvm lvmconfig --type full activation/monitoring 2>/dev/null || :)"
if [ -e /run/udev/control ]; then echo 'udevd yes'; else echo 'udevd no'; fi
if grep -qs CGCTL- /etc/udev/rules.d/*.rules /lib/udev/rules.d/*.rules; then echo 'rule yes'; else echo 'rule no'; fi
dmsetup info -c --noheadings --separator ' ' -o name,suspended,blkdevname |
    while read -r name word device; do
        case $name in
            cgctl-*)
                holders=''
                for path in /sys/block/"$device"/holders/*; do
                    [ ! -e "$path" ] || holders="$holders ${path##*/}"
                done
                printf 'gate %s %s%s\n' "${name#cgctl-}" "$word" "$holders"
                ;;
        esac
    done
printf '%s\n' "$state"
