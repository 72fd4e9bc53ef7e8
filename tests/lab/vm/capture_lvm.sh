#!/bin/sh
# What LVM answers, for tests/data/lvm: python -m tests.lab vm exec vm1 sh -s <tests/lab/vm/capture_lvm.sh (a fresh vm1).
T() {
    echo "\$ $*"
    status=0
    "$@" 2>&1 || status=$?
    echo "exit status $status"
}
lines() {
    echo "\$ lvm <<END"
    status=0
    cat >/tmp/lines
    cat /tmp/lines
    echo END
    lvm </tmp/lines 2>&1 || status=$?
    echo "exit status $status"
}
T lvcreate -q -V 256M -T cgvg/pool -n a
T lvcreate -q -V 256M -T cgvg/pool -n b
echo '## exists, missing'
T lvcreate -q -V 256M -T cgvg/pool -n a
T lvcreate -q -s -n s cgvg/missing
T lvremove -qfy cgvg/missing
T lvs cgvg/missing
T lvextend -q -L 1G cgvg/missing
T lvextend -q -L 128M cgvg/a
T lvcreate -q -V 256M -T novg/pool -n a
T lvcreate -q -V 256M -T cgvg/nopool -n a
T lvs novg
T lvs --noheadings -o lv_name -S 'lv_name=missing' cgvg
echo '## one process, the second of three lines fails'
lines <<'END'
lvcreate -q -s -n s_a cgvg/a
lvcreate -q -s -n s_a cgvg/a
lvcreate -q -s -n s_b cgvg/b
END
echo '## in use'
T dmsetup create cgctl-a --uuid CGCTL-a --table "0 524288 linear /dev/cgvg/a 0"
T dmsetup create cgctl-a --uuid CGCTL-a --table "0 524288 linear /dev/cgvg/a 0"
T lvremove -qfy cgvg/a
T dmsetup suspend cgctl-missing
T dmsetup suspend cgctl-a cgctl-missing
T dmsetup info -c --noheadings -o name,suspended cgctl-a
T dmsetup resume cgctl-a
T dmsetup remove cgctl-missing
exec 3</dev/mapper/cgctl-a
T dmsetup remove cgctl-a
exec 3<&-
T dmsetup remove --retry cgctl-a
echo '## the pool fills up'
T lvcreate -q -V 4G -T cgvg/pool -n big
T lvchange --errorwhenfull y cgvg/pool
T dd if=/dev/zero of=/dev/cgvg/big bs=1M oflag=direct
T dmsetup status cgvg-pool-tpool
T lvs -o lv_name,lv_attr,data_percent,metadata_percent,lv_health_status,lv_when_full cgvg
T lvcreate -q -s -n s_full cgvg/a
T lvcreate -q -V 256M -T cgvg/pool -n c
lines <<'END'
lvcreate -q -s -n f_a cgvg/a
lvcreate -q -s -n f_b cgvg/b
END
T lvremove -qfy cgvg/big
T dmsetup status cgvg-pool-tpool
T lvcreate -q -s -n s_after cgvg/a
echo '## no room in the volume group'
T lvcreate -q -L 9G -n thick cgvg
T lvextend -q -L 9G cgvg/pool
echo '## the volume group is gone'
T vgchange -q -an cgvg
T lvcreate -q -s -n s_off cgvg/b
T dmsetup status cgvg-pool-tpool
T vgrename -q cgvg other
T lvs cgvg
T lvcreate -q -s -n s cgvg/a
T lvremove -qfy cgvg/a
