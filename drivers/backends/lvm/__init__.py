"""Thin LVs of one thin pool, each live volume behind a *gate*: a dm-linear device that is what exports serve.

    VG/POOL   tags  cgctl.owner=OWNER                       the mark: the state store that the pool belongs to
                    cgctl.group=GROUP                       one for each group
                    cgctl.mark=SET/GROUP/RECEIPT            the commit mark of a group snapshot; a set without is void
                    cgctl.reverting=GROUP/KEPT/COUNT/TIME   a group's revert that is decided and not ended
    VG/cgctl-VOLUME       cgctl.kind=volume    cgctl.bytes=N [cgctl.group=GROUP] [cgctl.making=1] [cgctl.fs=xfs|image]
    VG/cgctl-SNAPSHOT     cgctl.kind=snapshot  cgctl.bytes=N cgctl.volume=VOLUME
    VG/cgctl-SET_VOLUME   cgctl.kind=member    cgctl.bytes=N cgctl.volume=VOLUME cgctl.set=SET
    /dev/mapper/cgctl-VOLUME                                the gate, dm uuid CGCTL-VOLUME, of exactly N bytes
    /run/cgctl/volumes/cgctl-VOLUME                         where a volume with cgctl.fs=xfs is mounted, for NFS
    cgctl.fs=image                                          the bytes of such a one, to be read: never mounted

Decided 2026-11:

- Owner, groups and commit marks are tags of the thin pool, not marker LVs: a tag is changed by one metadata commit of
  LVM, costs no device, goes where the pool goes, and one `lvs` reads it with everything else. A mark is some 170 bytes
  of the volume group's metadata, a member LV alone is 400.
- LVM rounds to extents; the gate does not. So sizes are exact (in sectors), and what LVM has beyond the gate's end was
  never written and reads as zeros when the volume grows.
- A script has one lvm process, whatever it does and however many members there are (session.sh); one that lets go of
  the lock and takes it again has one each time. What lvm says ends with the answer to a command behind the others:
  without it lvm was cut, and what it has done is not known. Lines come whole: a writer that is killed must not leave
  half of a line, which would be another command (dash prints in blocks of 4 or 8 KiB, wherever they end). An lvm that
  does not answer, because its configuration has become unreadable, for example, is waited for 15 minutes at most.
- `lvm` runs in a session of its own: who kills the script's process group does not kill LVM between its suspend and
  resume of a device. It inherits the lock, as does the watchdog of a hold, so the next script waits for both.
- Members of a hold are made without archive and backup of the metadata (`-An`), dmeventd and activation: all of it
  comes after the resume. `--ignoremonitoring`, never `--monitor n`: that one ends dmeventd's monitoring of the whole
  pool, and with it autoextend, in silence (seen with LVM 2.03.16).
- The length of a hold is suspend, one lvcreate per member, one look at the gates, resume; the lvm process is
  warm before it. Seen to make holds grow (four members, the same slow guest on a busy machine): dmeventd's part in
  each lvcreate with monitoring on, 3.0 to 5.8 s, without it 2.2 to 2.7 s; and the size of LVM's metadata, which each
  lvcreate reads and writes as a whole, 1.4 to 2.5 s beside 60 LVs, 4.3 s beside 370. The first is gone, the second is
  LVM's: keep few sets. The watchdog bounds it either way.
- Where systemd and udevd run, half of a hold was waiting for others, so a hold waits for nobody (`--noudevsync`, no
  D-Bus; same guest under systemd, alternating, medians): the resume of four gates stood behind udevd's queue, gate by
  gate, 4 to 7 s, now 0.3 to 1 s; each lvcreate waited 0.2 to 0.4 s for udevd to see its origin resumed, and 0.1 to
  0.3 s to tell lvmdbusd, which nobody has; a cold lvm reads its configuration, 0.3 s. Four members 100 -> 43 times what
  a fork and exec takes there, one member 22 -> 17. Why it is safe: no device comes or goes in a hold (snapshots are
  made inactive), the origins and gates have their nodes, and what udevd does about a resumed device it does later as
  well. udevd's workers still compete for the processor; that is not ours to stop.
- The rule for udev, and the unit that makes gates at a boot, come with the pool's first object (server.sh), not by a
  command of their own: a volume that exists without them is not safe. `repair` writes them again.
- A revert gives the volume's name to a copy of the snapshot, by two renames: LVM's merge would consume the snapshot.
  That of a group is decided by one tag of the pool; whoever gets the lock afterwards ends it.
- Over NFS a volume is an xfs file system on its gate, and nothing else is new: device-mapper freezes what is mounted on
  a device before it suspends it, and thaws it after the resume, so the hold, its bound and its watchdog are the same.
  What clients have written is flushed before the hold (`sync -f`), since freezing waits for it. A single snapshot is
  flushed, not frozen: it has all that was answered before, and xfs replays its log when a volume is made of it.
- What is copied of such a volume is an image: a clone that says so by its tag (`LvmDriver.images`), with a gate and
  never mounted, so that nothing writes while it is read. What is copied into a pool of file systems has to begin as
  one, is mounted, and replays its log then; the copy was compared with the image before.
- A volume that moves between two pools of a server has one gate and one mount point for both LVs, that of who has it:
  the other pool's scripts leave them alone, and `repair` makes them for who is left. LVs of one volume group cannot
  have one name, so its pools cannot give volumes to each other.
- Mounted with `nouuid`: volumes made from one another have one UUID. `xfs_admin -U` would need a clean log first.
- The LVs themselves are never suspended by us (lab.md section 7: that damages the pool).
"""
