"""Backend activities (seed 004): long work that runs on a server by itself, in a directory that its pool has for it.

    PLACE/<activity>/work, undo   shell lines: the work, and what removes all that it may have left
    PLACE/<activity>/input        what the work reads
    PLACE/<activity>/label        what it is, for people; owner: the state store that it belongs to
    PLACE/<activity>/note         what removes what it was made of, for a state store that does not know it
    PLACE/<activity>/state        STATE EXIT_STATUS BEGAN ENDED BOOT PID BORN; written whole, by one rename
    PLACE/<activity>/group        PID BORN of the work, which leads a session and a process group of its own
    PLACE/<activity>/meter        PID BORN BASE TOTAL FIELD SHARE: whose bytes to count (progress.sh)
    PLACE/<activity>/progress     DONE TOTAL, where the work counts by itself, and at its end
    PLACE/<activity>/log, log.old the newest output; at most twice 128 KiB
    PLACE/<activity>/cancel       somebody wants it to end; alive: touched by whoever watches (leashed ones end without)
    PLACE/<activity>/remains      the undo failed: it is run again by whoever cancels or settles

Decided 2026-11-21:

- A supervisor (supervise.sh) in a session of its own waits for the work, undoes what did not succeed, and writes the
  last state. It needs a POSIX shell, coreutils, `setsid` and /proc; no daemon, nothing installed.
- Alive is who has this pid, began at this tick of this boot. So a reboot, a killed supervisor and a pid that is used
  again are told apart without any lock: what is not alive and has no last state is `lost`.
- Progress is counted by the kernel (/proc/PID/io) and read when somebody asks: it costs the work nothing.
- Nothing is queued: what is started runs. A start that is repeated finds the first one (mkdir of the staging name, then
  one rename).
"""
