"""What clients see of a volume over iSCSI: derived from its id, so that it stays the same across failover.

It is the same whichever program exports the volume.
"""

from __future__ import annotations

import hashlib
import re

IQN_PREFIX = "iqn.2026-11.io.cgctl:"
LUN = 1

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,189}")
_LIO_COMPANY = "001405"


def iqn(volume_id: str) -> str:
    """The volume's own iSCSI target. Raises ValueError for an id that cannot stand in a name (RFC 3720)."""
    if not _ID.fullmatch(volume_id):
        raise ValueError(f"not an id of a volume: {volume_id!r}")
    return IQN_PREFIX + volume_id


def checked_id(volume_id: str) -> str:
    """The id, as a part of a name. Raises ValueError."""
    return iqn(volume_id).removeprefix(IQN_PREFIX)


def serial(volume_id: str) -> str:
    """The unit serial number: 32 hexadecimal digits. A UUID with its hyphens would lose digits on the way."""
    return "6" + hashlib.sha256(volume_id.encode()).hexdigest()[:31]


def wwn(volume_id: str) -> str:
    """The NAA designator, which multipath and /dev/disk/by-id go by: 32 hexadecimal digits, 96 bits of the hash.

    LIO makes it itself: a 6, its company's number, and the serial's first 25 digits (drivers/target/target_core_spc.c,
    spc_gen_naa_6h_vendor_specific). tgt takes the last 32 digits of the `scsi_id` that it is given, and overwrites the
    first with a 6 (usr/spc.c, update_vpd_83).
    """
    return "6" + _LIO_COMPANY + serial(volume_id)[:25]
