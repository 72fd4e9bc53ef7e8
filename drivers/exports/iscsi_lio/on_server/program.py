"""The actions: ensure, remove, check. One run at a time on a server; changes are proven before it ends."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from pathlib import Path
from typing import NoReturn

from drivers.exports.iscsi_lio.on_server import change, saved
from drivers.exports.iscsi_lio.on_server.lio import Lio, faults, fence
from drivers.exports.iscsi_lio.on_server.wanted import Wanted, read

STATE_DIRECTORY = Path("/run/cgctl")
LOCK_WAIT_SECONDS = 60


def refuse(word: str, text: str) -> NoReturn:
    """A word of drivers/refusals.py; the server is as it was."""
    sys.stderr.write(f"cgctl-refused {word}: {text}\n")
    sys.exit(3)


def take_lock() -> int:
    """Neither rtslib nor targetcli may run twice at once. Held until the process ends."""
    STATE_DIRECTORY.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(STATE_DIRECTORY / "exports-lio.lock", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > until:
                refuse("at-work", f"another command changes the exports for {LOCK_WAIT_SECONDS} s")
            time.sleep(0.05)


def require_sources(exports: list[Wanted]) -> None:
    for wanted in exports:
        if wanted.source_stat() is None:
            refuse("not-on-server", f"{wanted.source}: no such file or block device")
        size = wanted.source_bytes()
        if size < wanted.size_bytes:
            refuse("not-on-server", f"{wanted.source} has {size} bytes, not {wanted.size_bytes}")


def ensure(portal: str, exports: list[Wanted]) -> None:
    """Offer the volumes that have accesses, end the others; all of these are fenced before the first is changed."""
    require_sources([wanted for wanted in exports if wanted.accesses])
    lock = take_lock()
    lio = Lio(portal)
    for wanted in exports:
        if not wanted.accesses and wanted.iqn in lio.targets:
            fence(lio.targets[wanted.iqn])
    for wanted in exports:
        change.ensure(lio, wanted)
    lio = Lio(portal)
    saved.save(lio, exports)
    for wanted in exports:
        left = faults(lio, wanted)
        if left:
            sys.exit(f"export of {wanted.volume}: {'; '.join(left)}")
    os.close(lock)


def check(portal: str, prefix: str, exports: list[Wanted]) -> None:
    """Lines for drivers.exports.iscsi_lio.request.findings; changes nothing, and waits for those who do."""
    lock = take_lock()
    lio, config = Lio(portal), None
    if not saved.is_restored_at_boot():
        print("boot")
    try:
        config = saved.load()
    except ValueError as error:
        print("damaged", *str(error).split(": ", 1), sep="\t")
    for wanted in exports:
        wrong = faults(lio, wanted)
        if not wrong and config is not None and not saved.is_as_now(lio, wanted, config):
            wrong = ["would not be the same after a reboot"]
        if wrong:
            print("wrong", wanted.volume, "; ".join(wrong), sep="\t")
    known = {wanted.iqn for wanted in exports}
    for iqn in sorted(set(lio.targets) - known):
        if iqn.startswith(prefix):
            backstore = lio.objects.get(f"cgctl-{iqn.removeprefix(prefix)}")
            print("unknown", iqn, f"{backstore.plugin} delete {backstore.name}" if backstore else "", sep="\t")
    os.close(lock)


def main(action: str, portal: str, prefix: str) -> None:
    """action: ensure, remove or check. Everything else, secrets among it, comes from stdin."""
    exports = read(sys.stdin.read())
    if action == "check":
        check(portal, prefix, exports)
    else:
        ensure(portal, exports)
