"""Thin LVs of one thin pool, each live volume behind a *gate*: a dm-linear device that is what exports serve.

    VG/POOL   tags  cgctl.owner=OWNER                       the mark: the state store that the pool belongs to
                    cgctl.group=GROUP                       one for each group
                    cgctl.mark=SET/GROUP/RECEIPT            the commit mark of a group snapshot; a set without is void
    VG/cgctl-VOLUME       cgctl.kind=volume    cgctl.bytes=N [cgctl.group=GROUP] [cgctl.making=1]
    VG/cgctl-SNAPSHOT     cgctl.kind=snapshot  cgctl.bytes=N cgctl.volume=VOLUME
    VG/cgctl-SET_VOLUME   cgctl.kind=member    cgctl.bytes=N cgctl.volume=VOLUME cgctl.set=SET
    /dev/mapper/cgctl-VOLUME                                the gate, dm uuid CGCTL-VOLUME, of exactly N bytes

Decided 2026-11:

- Owner, groups and commit marks are tags of the thin pool, not marker LVs: a tag is changed by one metadata commit of
  LVM, costs no device, goes where the pool goes, and one `lvs` reads it with everything else. A mark is some 170 bytes
  of the volume group's metadata, a member LV alone is 400.
- LVM rounds to extents; the gate does not. So sizes are exact (in sectors), and what LVM has beyond the gate's end was
  never written and reads as zeros when the volume grows.
- `lvm` runs in a session of its own: who kills the script's process group does not kill LVM between its suspend and
  resume of a device. It inherits the lock, as does the watchdog of a hold, so the next script waits for both.
- Members of a hold are made without archive and backup of the metadata (`-An`), monitoring and activation: all of it
  comes after the resume.
- The LVs themselves are never suspended by us (lab.md section 7: that damages the pool).
"""
