"""One example for each command: `--help` and the man page print it, a test reads each as the shell would.

Imported only where it is printed.
"""

from __future__ import annotations

import shlex

_LINES = """
group-create --name orders consistent gold,silver
group-create-from-src --group-snapshot friday --name orders-friday
group-delete --delete-volumes orders-friday
group-list --filters status=error
group-show --list-volume orders
group-update orders --add-volumes data,log
group-manage alpha imports --volume-type gold --name orders
group-migrate orders beta --detach
group-revert-to-snapshot friday
group-enable-replication orders
group-disable-replication orders
group-failover-replication orders --secondary-backend-id dr1
group-list-replication-targets orders
group-sync-replication --all --due
group-replication-status orders
group-test-failover orders
drill-list
activity-list --running
activity-show 5b1d7c1e
activity-wait 5b1d7c1e --timeout 600
activity-cancel 5b1d7c1e
activity-log -f 5b1d7c1e
activity-forget 5b1d7c1e
snapshot-replicate friday dr1 --detach
drill-show 5b1d7c1e --html drill.html
drill-end 5b1d7c1e
group-undo-failover orders
group-verify-replica orders
consisgroup-create --volume-type gold,silver mycg1
consisgroup-create-from-src --cgsnapshot friday --name mycg2
consisgroup-delete --force mycg1
consisgroup-list
consisgroup-show mycg1
consisgroup-update mycg1 --remove-volumes log
group-snapshot-create --name friday orders
cgsnapshot-create --name friday mycg1
group-snapshot-delete friday
cgsnapshot-delete friday
group-snapshot-list --group-id orders --sort created_at:desc
cgsnapshot-list --consistencygroup-id mycg1
group-snapshot-show friday
cgsnapshot-show friday
create --name data --group-id orders --volume-type gold 10
delete data
force-delete data
list --group-id orders
show data
extend data 20
summary
rename data data-old
retype data silver --migration-policy on-demand
migrate data beta
metadata data set tier=hot
metadata-show data
metadata-update-all data tier=hot
manage alpha images/old.raw --name old --volume-type gold
unmanage old
manageable-list alpha
revert-to-snapshot before
snapshot-create --name before data
snapshot-delete before
snapshot-list --volume-id data
snapshot-rename before after
snapshot-reset-state before --state error
snapshot-show before
snapshot-metadata before set keep=yes
snapshot-metadata-show before
snapshot-metadata-update-all before keep=yes
snapshot-manage data old-snapshot --name before
snapshot-unmanage before
snapshot-manageable-list alpha
snapshot-replicate before beta
backup-create data --name monday
backup-delete monday
backup-export monday
backup-list
backup-reset-state monday --state error
backup-restore monday --volume data
backup-show monday
backup-update monday --name tuesday
backup-create data --incremental --name nightly
backup-restore nightly --name data-restored
backup-list --volume-id data
backup-show nightly
backup-verify nightly
backup-update nightly --name monday
backup-reset-state nightly
backup-delete nightly
backup-export nightly
backup-import cgctl vault
group-backup-create orders --incremental --name orders-nightly
group-backup-restore orders-nightly --name orders-restored
group-backup-list --repository vault
group-backup-show orders-nightly
group-backup-delete orders-nightly
attachment-create data --initiator iqn.1993-08.org.debian:01:db1
attachment-complete 5b1d7c1e
attachment-delete 5b1d7c1e
attachment-list --volume-id data
attachment-show 5b1d7c1e
type-create gold
type-update gold --description 'fast and small'
type-list
type-default
type-show gold
type-delete gold
type-key gold set tier=gold
extra-specs-list
group-type-create consistent
group-type-update consistent --name all-at-once
group-type-list
group-type-default
group-type-show consistent
group-type-delete consistent
group-type-key consistent set consistent_group_snapshot_enabled='<is> True'
group-specs-list
backend-list
backend-show alpha
backend-check --repair alpha
get-pools --detail
get-capabilities alpha
freeze-host alpha
thaw-host alpha
failover-host alpha --backend_id dr1
service-list --withreplication
message-list --filters resource_type=GROUP
message-show 5b1d7c1e
message-delete 5b1d7c1e
history orders
reset-state --type group --state available orders
recover --dry-run
config-check --config config.yaml
demo --dir /tmp/cgctl-demo --keep
man
"""

EXAMPLES = {line.split()[0]: line for line in _LINES.strip().splitlines()}


def example_of(name: str) -> str | None:
    """`cgctl NAME ...`, to paste into a shell."""
    return f"cgctl {EXAMPLES[name]}" if name in EXAMPLES else None


def words_of(name: str) -> list[str]:
    """What the shell makes of a command's example, behind the command's name."""
    return shlex.split(EXAMPLES[name])[1:]
