"""All commands, by the section of `cgctl --help` they stand in. Nothing is imported until a command is called.

A command is a function decorated with `@command("name")` (cgctl/cli/command.py); its summary here is the first line of
its docstring. tests/cli/test_frame_table.py holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """Where a command is: module below cgctl.cli, function in it, and its line in `--help`."""

    module: str
    function: str
    summary: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "Groups": {
        "group-create": Entry("group", "group_create", "Create a group."),
        "group-create-from-src": Entry(
            "group", "group_create_from_src", "Create a group from a group snapshot or a group."
        ),
        "group-delete": Entry("group", "group_delete", "Delete groups."),
        "group-list": Entry("group", "group_list", "List the groups."),
        "group-show": Entry("group", "group_show", "Show a group."),
        "group-update": Entry("group", "group_update", "Change a group, or which volumes are in it."),
        "group-migrate": Entry("volume_moves", "group_migrate", "Move a whole group to another backend."),
        "group-manage": Entry("group", "group_manage", "Make a group of the image files in a directory of a pool."),
        "group-revert-to-snapshot": Entry(
            "group_snapshot", "group_revert_to_snapshot", "Take a whole group back to one of its group snapshots."
        ),
        "consisgroup-create": Entry("consisgroup", "consisgroup_create", "Create a consistency group."),
        "consisgroup-create-from-src": Entry(
            "consisgroup", "consisgroup_create_from_src", "Create a consistency group from a cgsnapshot or a group."
        ),
        "consisgroup-delete": Entry("consisgroup", "consisgroup_delete", "Delete consistency groups."),
        "consisgroup-list": Entry("consisgroup", "consisgroup_list", "List the consistency groups."),
        "consisgroup-show": Entry("consisgroup", "consisgroup_show", "Show a consistency group."),
        "consisgroup-update": Entry(
            "consisgroup", "consisgroup_update", "Change a consistency group, or which volumes are in it."
        ),
    },
    "Group snapshots": {
        "group-snapshot-create": Entry(
            "group_snapshot", "group_snapshot_create", "Snapshot a group: all volumes at one point in time."
        ),
        "cgsnapshot-create": Entry("group_snapshot", "cgsnapshot_create", "Snapshot a group: Cinder's older word."),
        "group-snapshot-delete": Entry("group_snapshot", "group_snapshot_delete", "Delete group snapshots."),
        "cgsnapshot-delete": Entry("group_snapshot", "group_snapshot_delete", "Delete group snapshots."),
        "group-snapshot-list": Entry("group_snapshot", "group_snapshot_list", "List the group snapshots."),
        "cgsnapshot-list": Entry("group_snapshot", "cgsnapshot_list", "List the group snapshots: Cinder's older word."),
        "group-snapshot-show": Entry(
            "group_snapshot", "group_snapshot_show", "Show a group snapshot, with the receipt of its hold."
        ),
        "cgsnapshot-show": Entry("group_snapshot", "cgsnapshot_show", "Show a group snapshot: Cinder's older word."),
    },
    "Replication": {
        "group-enable-replication": Entry(
            "replication", "group_enable_replication", "Replicate a group to the replication targets of its backend."
        ),
        "group-disable-replication": Entry(
            "replication", "group_disable_replication", "End the replication of a group and remove its replicas."
        ),
        "group-sync-replication": Entry(
            "replication", "group_sync_replication", "Take a recovery point and ship what has changed to all replicas."
        ),
        "group-failover-replication": Entry(
            "replication", "group_failover_replication", "Serve a group from another of its backends, or fail it back."
        ),
        "group-undo-failover": Entry(
            "replication", "group_undo_failover", "Take the last failover back, with what was there before it."
        ),
        "group-test-failover": Entry(
            "drills", "group_test_failover", "Test a failover on a clone, beside the running replication."
        ),
        "drill-list": Entry("drills", "drill_list", "List the tests of failovers."),
        "drill-show": Entry("drills", "drill_show", "Show a test of a failover with its log."),
        "drill-end": Entry("drills", "drill_end", "Remove the clones that drills have kept."),
        "failover-host": Entry(
            "replication", "failover_host_command", "Fail over every replicated group that a backend serves."
        ),
        "group-verify-replica": Entry(
            "replication",
            "group_verify_replica",
            "Compare the data of a replica with those of the backend that serves.",
        ),
        "group-list-replication-targets": Entry(
            "replication", "group_list_replication_targets", "List where a group can be replicated to."
        ),
        "group-replication-status": Entry(
            "replication", "group_replication_status", "Show how far replicas are behind, of one group or all."
        ),
    },
    "Volumes": {
        "create": Entry("volume", "create", "Create a volume."),
        "delete": Entry("volume", "delete", "Delete volumes."),
        "force-delete": Entry("volume", "force_delete", "Delete volumes whatever their status says."),
        "list": Entry("volume", "list_volumes", "List the volumes."),
        "show": Entry("volume", "show", "Show a volume."),
        "extend": Entry("volume", "extend", "Grow a volume."),
        "summary": Entry("volume", "summary", "Sum up the volumes: number, size, metadata."),
        "rename": Entry("volume", "rename", "Change a volume's name or description."),
        "metadata": Entry("metadata", "metadata", "Set or unset metadata of a volume."),
        "metadata-show": Entry("metadata", "metadata_show", "Show the metadata of a volume."),
        "metadata-update-all": Entry("metadata", "metadata_update_all", "Replace all metadata of a volume."),
        "revert-to-snapshot": Entry(
            "volume_moves", "revert_to_snapshot", "Give a volume the data of its newest snapshot."
        ),
        "retype": Entry("volume_moves", "retype", "Give a volume another type."),
        "migrate": Entry("volume_moves", "migrate", "Move a volume to another backend."),
        "manage": Entry("manageable", "manage", "Make a volume of what is in a pool and not cgctl's."),
        "unmanage": Entry("manageable", "unmanage", "Give a volume back: cgctl forgets it, its data stay."),
        "manageable-list": Entry(
            "manageable", "manageable_list", "List what is in a pool, and whether it could be managed."
        ),
    },
    "Snapshots": {
        "snapshot-create": Entry("snapshot", "snapshot_create", "Snapshot one volume."),
        "snapshot-delete": Entry("snapshot", "snapshot_delete", "Delete snapshots of single volumes."),
        "snapshot-list": Entry("snapshot", "snapshot_list", "List the snapshots, those of groups among them."),
        "snapshot-replicate": Entry(
            "activity", "snapshot_replicate", "Copy a snapshot, or a group snapshot, to another backend."
        ),
        "snapshot-rename": Entry("snapshot", "snapshot_rename", "Change a snapshot's name or description."),
        "snapshot-reset-state": Entry(
            "snapshot", "snapshot_reset_state", "Set the status of snapshots by hand; only the state is changed."
        ),
        "snapshot-show": Entry("snapshot", "snapshot_show", "Show a snapshot."),
        "snapshot-metadata": Entry("metadata", "snapshot_metadata", "Set or unset metadata of a snapshot."),
        "snapshot-metadata-show": Entry("metadata", "snapshot_metadata_show", "Show the metadata of a snapshot."),
        "snapshot-metadata-update-all": Entry(
            "metadata", "snapshot_metadata_update_all", "Replace all metadata of a snapshot."
        ),
        "snapshot-manage": Entry(
            "manageable", "snapshot_manage", "Make a snapshot of a volume of what is in its pool."
        ),
        "snapshot-unmanage": Entry(
            "manageable", "snapshot_unmanage", "Give a snapshot back: cgctl forgets it, its data stay."
        ),
        "snapshot-manageable-list": Entry(
            "manageable",
            "snapshot_manageable_list",
            "List what is in a pool, and whether it could be managed as a snapshot.",
        ),
    },
    "Backups": {
        "backup-create": Entry("backup", "backup_create", "Back a volume, or one of its snapshots, up."),
        "backup-restore": Entry("backup", "backup_restore", "Make a volume of a backup."),
        "backup-list": Entry("backup", "backup_list", "List the backups of volumes."),
        "backup-show": Entry("backup", "backup_show", "Show a backup."),
        "backup-verify": Entry(
            "backup", "backup_verify", "Read and prove every chunk of a backup; lists what is damaged."
        ),
        "backup-update": Entry("backup", "backup_update", "Change a backup's name, description or metadata."),
        "backup-reset-state": Entry("backup", "backup_reset_state", "Set the status of backups by hand."),
        "backup-delete": Entry("backup", "backup_delete", "Delete backups."),
        "backup-export": Entry("backup", "backup_export", "Print what backup-import takes, for another state."),
        "backup-import": Entry("backup", "backup_import", "Bring backups of a repository into this state."),
        "group-backup-create": Entry(
            "backup", "group_backup_create", "Back a whole group up: all members at one point in time."
        ),
        "group-backup-restore": Entry(
            "backup", "group_backup_restore", "Make a new group of a backup: all members, of one point in time."
        ),
        "group-backup-list": Entry("backup", "group_backup_list", "List the backups of groups."),
        "group-backup-show": Entry("backup", "backup_show", "Show a backup."),
        "group-backup-delete": Entry("backup", "backup_delete", "Delete backups."),
    },
    "Attachments": {
        "attachment-create": Entry("attachment", "attachment_create", "Offer a volume to one initiator."),
        "attachment-complete": Entry(
            "attachment",
            "attachment_complete",
            "Say that clients are connected; nothing is left to do, an attachment is complete when it is made.",
        ),
        "attachment-delete": Entry("attachment", "attachment_delete", "Take access away; its sessions are ended."),
        "attachment-list": Entry("attachment", "attachment_list", "List the attachments, without secrets."),
        "attachment-show": Entry("attachment", "attachment_show", "Show an attachment, without its secret."),
    },
    "Types": {
        "type-create": Entry("volume_type", "type_create", "Create a volume type."),
        "type-update": Entry("volume_type", "type_update", "Change a volume type's words."),
        "type-list": Entry("volume_type", "type_list", "List the volume types."),
        "type-default": Entry("volume_type", "type_default", "Show the configuration's default volume type."),
        "type-show": Entry("volume_type", "type_show", "Show a volume type with its extra specs."),
        "type-delete": Entry("volume_type", "type_delete", "Delete volume types that nothing uses."),
        "type-key": Entry("volume_type", "type_key", "Set or unset extra specs of a volume type."),
        "extra-specs-list": Entry("volume_type", "extra_specs_list", "List the volume types with their extra specs."),
        "group-type-create": Entry("group_type", "group_type_create", "Create a group type."),
        "group-type-update": Entry("group_type", "group_type_update", "Change a group type's words."),
        "group-type-list": Entry("group_type", "group_type_list", "List the group types."),
        "group-type-default": Entry("group_type", "group_type_default", "Show the configuration's default group type."),
        "group-type-show": Entry("group_type", "group_type_show", "Show a group type with its group specs."),
        "group-type-delete": Entry("group_type", "group_type_delete", "Delete group types that nothing uses."),
        "group-type-key": Entry("group_type", "group_type_key", "Set or unset group specs of a group type."),
        "group-specs-list": Entry("group_type", "group_specs_list", "List the group types with their group specs."),
    },
    "Backends": {
        "backend-list": Entry("backend", "backend_list", "List the configured backends; no server is asked."),
        "backend-show": Entry("backend", "backend_show", "Show a backend with what its server answers."),
        "backend-check": Entry("backend", "backend_check_command", "Check servers, pools and exports."),
        "get-pools": Entry("backend", "get_pools", "List the pools that volumes can be placed in."),
        "get-capabilities": Entry(
            "backend", "get_capabilities", "Show what a backend can do: its stats, and its properties."
        ),
        "freeze-host": Entry(
            "backend", "freeze_host", "Freeze a backend: no command changes anything on it, until thaw-host."
        ),
        "thaw-host": Entry("backend", "thaw_host", "Thaw a backend that was frozen."),
        "service-list": Entry(
            "backend",
            "service_list",
            "List the backends: whether their servers answer, whether they are frozen.",
        ),
    },
    "Activities": {
        "activity-list": Entry("activity", "activity_list", "List the activities: long work on the servers."),
        "activity-show": Entry("activity", "activity_show", "Show an activity, with its progress."),
        "activity-wait": Entry("activity", "activity_wait", "Wait for the end of activities."),
        "activity-cancel": Entry("activity", "activity_cancel", "End activities, and remove what they have made."),
        "activity-log": Entry("activity", "activity_log", "Print what an activity has said."),
        "activity-forget": Entry("activity", "activity_forget", "Forget activities that are over."),
    },
    "State and configuration": {
        "message-list": Entry("message", "message_list", "List the messages that failures have left."),
        "message-show": Entry("message", "message_show", "Show a message: object, backend, reason, and what to do."),
        "message-delete": Entry("message", "message_delete", "Delete messages."),
        "history": Entry("history", "history", "Tell what happened, to an object or to all."),
        "reset-state": Entry("reset_state", "reset_state", "Set the status of objects by hand."),
        "recover": Entry("history", "recover_all", "Settle what interrupted operations left behind."),
        "config-check": Entry("config", "config_check", "Check the configuration file; every problem at once."),
        "man": Entry("man", "man", "Print the manual page."),
        "demo": Entry("demo", "demo", "Show the whole life of a group on this machine, without root."),
    },
}

COMMANDS: dict[str, Entry] = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
