"""Backends each of whose methods is one script on the server: what they share, whatever the pool is made of.

A kind of pool (`directory_pool`, `lvm`) says where its objects stand, brings the scripts, and reads what they print.

Parameters of a method's script, behind POOL OWNER LOCK_WAIT_SECONDS. CONTAINER is the volume's group, or the volume
itself where it has none; SOURCE is what the kind's `_source` says of a snapshot, a volume, a group or a group snapshot;
SET is the group snapshot that SOURCE is (part of), empty where there is none.

    create_volume       CONTAINER VOLUME BYTES SOURCE SET          SOURCE empty: a volume of zeros
    delete_volume       CONTAINER VOLUME
    extend_volume       CONTAINER VOLUME BYTES
    create_snapshot     SNAPSHOT CONTAINER VOLUME
    delete_snapshot     SNAPSHOT
    revert_to_snapshot  CONTAINER VOLUME SOURCE SET
    copy_volume         CONTAINER VOLUME BYTES PATH STREAM_BYTES   PATH: absolute, a file or a block device; -: a stream
    claim_activities
    manage_existing     CONTAINER VOLUME BYTES REFERENCE           REFERENCE: the kind's word for what is not cgctl's
    unmanage            VOLUME REFERENCE
    manage_existing_snapshot   SNAPSHOT VOLUME BYTES REFERENCE
    unmanage_snapshot   SNAPSHOT REFERENCE
    create_consistencygroup   GROUP
    create_consistencygroup_from_src   GROUP SOURCE SET BOUND_CENTISECONDS    lines `NEW_VOLUME SOURCE_VOLUME BYTES`
    delete_consistencygroup   GROUP       lines `VOLUME`; prints `deleted ID` or `error_deleting ID REASON` for each
    update_consistencygroup   GROUP       lines `add VOLUME`, `remove VOLUME`
    create_cgsnapshot   GROUP_SNAPSHOT GROUP BOUND_CENTISECONDS    lines `VOLUME BYTES`; prints the receipt
    delete_cgsnapshot   GROUP_SNAPSHOT
    manage_existing_group     GROUP       lines `VOLUME<tab>BYTES<tab>REFERENCE`
    revert_consistencygroup   GROUP SET KEPT    lines `VOLUME BYTES BYTES_IN_SET`; prints KEPT's receipt
    check_for_setup_error, get_volume_stats, list_objects, list_manageable          print facts, one a line
"""
