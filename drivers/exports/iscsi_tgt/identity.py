"""What clients see of a volume over iSCSI: derived from its id, so that it stays the same across failover."""

from __future__ import annotations

import hashlib
import re

IQN_PREFIX = "iqn.2026-11.io.cgctl:"
LUN = 1

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,189}")


def iqn(volume_id: str) -> str:
    """The volume's own iSCSI target. Raises ValueError for an id that cannot stand in a name (RFC 3720)."""
    if not _ID.fullmatch(volume_id):
        raise ValueError(f"not an id of a volume: {volume_id!r}")
    return IQN_PREFIX + volume_id


def serial(volume_id: str) -> str:
    """32 hexadecimal digits, serial number and WWN alike.

    tgt builds the NAA designator, which multipath and /dev/disk/by-id go by, from the last 32 digits of `scsi_id`: it
    takes what is no digit for a 0 and overwrites the first with a 6 (usr/spc.c, update_vpd_83). A UUID with its
    hyphens would lose digits; this form arrives whole. 124 bits of SHA-256: no two volumes share it.
    """
    return "6" + hashlib.sha256(volume_id.encode()).hexdigest()[:31]
