"""Replication between pools that are directories: recovery points are group snapshots, with notes beside them.

The scripts here are the methods; how points travel is in each driver's `stream.sh` (`btrfs send`, or `ship.pl`), and
to and from other drivers in `blocks.sh`. What may have changed, btrfs tells by `btrfs send --no-data` (`extents.pl`),
without reading it; a directory has to be read for it. The receiver writes into a copy of the base, on btrfs a snapshot
of it: so the next `btrfs send --no-data` finds what has arrived, too.

Decided 2026-11-21: a received set stands in `groupsnap/` like any group snapshot and is void without its commit mark,
which the receiver writes last. So a killed transfer leaves what a killed group snapshot leaves, and all that knows
group snapshots (clones, listings, removal) knows recovery points. btrfs cannot move a read-only subvolume into another
directory (EROFS), which rules out a staging folder elsewhere.

Decided 2026-11-21: that a replica was edited by hand is seen by its disks' times (ctime cannot be set back): a base
whose read-only flag was flipped to and fro makes `btrfs receive` succeed with wrong data.

Decided 2026-11-21, found by the conformance suite: on the way back the base was made here, and `btrfs receive` (6.2)
does not find the source of `clone` commands by its own UUID. `pretend_received` of btrfs' stream.sh gives it a copy
that has the received UUID.
"""
