"""Replication between thin pools: what differs between two points is told by thin_delta, and shipped by ship.pl.

Notes are tags of the thin pool, beside those of `drivers.backends.lvm`:

    cgctl.side=GROUP/GENERATION/STATE
    cgctl.generation=GROUP/ID/PARENT/POINT                             - where there is none
    cgctl.point=GROUP/POINT/GENERATION/SEQUENCE/TAKEN_AT/KIND/STAMP    KIND: final or plain
    cgctl.receiving=GROUP/POINT                                        what a transfer that was cut has left
    VG/cgctl-POINT_VOLUME_in   cgctl.making=1 …                        a member that is being received

Decided 2026-11-21:

- A point's note and its commit mark are set by one metadata commit of LVM, so a point is complete or absent.
- STAMP is a digest of the members' block mappings as thin_dump tells them. A member of a group snapshot shares all its
  blocks in the eyes of dm-thin (`snapshotted_time`, which outlives the other snapshots), so who writes into it, by
  whatever way and however it is undone, gives it new blocks: the stamp differs. To make this true of what was received,
  too, it is written into a volume of its own, and the member is a snapshot of that volume, which is then removed.
  A stamp costs one walk through the members' mappings, no data is read.
- The metadata snapshot of a thin pool (`reserve_metadata_snap`) exists once: it is taken behind a lock of its own, and
  only while mappings are read. Another program's is not touched: the transfer is then refused as busy.
- thin_delta says which chunks to look at; in them blocks of 4 KiB are compared with the base and shipped where they
  differ. So pools with different chunk sizes understand each other, and a small write into a large chunk stays small.
- What was discarded is discarded on the far side, whole chunks of its own; the rest of it is written as zeros.
- What goes to other drivers, and comes from them, is the same stream (`blocks.sh` of scripted).
- The sender announces the members and how much it may ship before it begins: a pool without room for all of it refuses,
  since a thin pool that fills up hurts everybody who has a volume in it.
- The lock of the volume group is held for LVM's part only, never during a transfer: group snapshots go on meanwhile.
"""
