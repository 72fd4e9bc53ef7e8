#!/bin/sh
# What tgtadm answers, for tests/data/iscsi_tgt: python -m tests.lab exec stor1 sh -s <tests/lab/capture_tgt.sh
T() {
    echo "\$ tgtadm --lld iscsi $*"
    status=0
    tgtadm --lld iscsi "$@" 2>&1 || status=$?
    echo "exit status $status"
}
truncate -s 8M /srv/pool/a /srv/pool/b
T --mode system --op show
T --op show --mode target
T --op new --mode target --tid 1 -T iqn.2024-01.lab:a
T --op new --mode target --tid 1 -T iqn.2024-01.lab:other
T --op new --mode target --tid 2 -T iqn.2024-01.lab:a
T --op new --mode logicalunit --tid 1 --lun 1 -b /srv/pool/a --bstype rdwr --bsoflags direct
T --op new --mode logicalunit --tid 1 --lun 1 -b /srv/pool/b --bstype rdwr --bsoflags direct
T --op new --mode logicalunit --tid 1 --lun 2 -b /srv/pool/missing --bstype rdwr --bsoflags direct
T --op new --mode logicalunit --tid 9 --lun 1 -b /srv/pool/a --bstype rdwr --bsoflags direct
T --op update --mode logicalunit --tid 1 --lun 1 --params vendor_id=CGCTL,scsi_sn=SN1,scsi_id=ID1,thin_provisioning=1
T --op new --mode account --user alice --password secretsecret1
T --op new --mode account --user alice --password secretsecret1
T --op bind --mode account --tid 1 --user alice
T --op bind --mode account --tid 1 --user alice
T --op bind --mode account --tid 1 --user nobody
T --op bind --mode target --tid 1 -I 10.77.0.9
T --op bind --mode target --tid 1 -I 10.77.0.9
T --op bind --mode target --tid 1 --initiator-name iqn.2024-01.lab:client
T --op show --mode target
T --op show --mode target --tid 1
T --op show --mode account
T --op unbind --mode target --tid 1 -I 10.77.0.8
T --op unbind --mode account --tid 1 --user nobody
T --op delete --mode logicalunit --tid 1 --lun 7
T --op update --mode target --tid 1 -n state -v offline
T --op show --mode target
T --op delete --mode target --tid 1
T --op new --mode target --tid 1 -T iqn.2024-01.lab:a
T --op delete --mode target --tid 1 --force
T --op delete --mode target --tid 1 --force
T --op delete --mode account --user alice
T --op delete --mode account --user alice
echo '# tgtd is not running'
pkill -KILL -x tgtd
sleep 0.1
T --op show --mode target
