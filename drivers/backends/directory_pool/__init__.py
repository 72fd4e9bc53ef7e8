"""Backends whose pool is a directory: each volume is a directory with one raw image file, its `disk`.

    POOL/.cgctl/owner                         the mark: the id of the state store that the pool belongs to
    POOL/.cgctl/sets/cgctl-<group snapshot>   the commit mark of a group snapshot; a set without it is void
    POOL/.cgctl/locks/<two digits>            flock of the scripts that work on the ids that begin so
    POOL/live/cgctl-<group>/cgctl-<volume>/disk     a member of a group
    POOL/live/cgctl-<volume>/cgctl-<volume>/disk    a volume alone
    POOL/groupsnap/cgctl-<group snapshot>/cgctl-<volume>/disk
    POOL/snap/cgctl-<snapshot>/disk, volume
    <folder of the object>/.staging-<kind>-<id>     what is being made or removed; counts as incomplete

    <any other file>                          not cgctl's: `manage` takes it, `unmanage` gives one back (foreign.sh)

The volume has a directory of its own because NFS exports it. A final name appears and disappears by one rename.

What a kind of storage can do differently is in its `storage.sh` (one set of functions for each of `file` and `btrfs`);
everything else is shared: `pool.sh` is put in front of each method's script, behind the `storage.sh`.

Decided by measurement (2026-11, tgt 1.0.85 on btrfs, four ordered LUNs, `--bsoflags direct`): 810 rounds/s, and with
`chattr +S` on the disks 50-70. So disks carry no +S, and an NFS export sets it on the files that it offers. A
subvolume snapshot keeps the flag, a reflink copy drops it. What direct writes cost on btrfs is said in its writers.sh:
tgtd is stopped while a snapshot is made.
"""
