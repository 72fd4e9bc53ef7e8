"""Who may use a volume, as people write it: initiator names, addresses, CHAP secrets. Pure; refusals are UsageErrors.

Checked before anything is changed: a name that no initiator can have would be an access that nobody gets, and an
address with a scope (`fe80::1%eth0`) ends nfs-ganesha's reading of its configuration.
"""

from __future__ import annotations

import ipaddress
import re

from cgctl.errors import UsageError

LONGEST_NAME_BYTES = 223
"""RFC 3720, section 3.2.6.1."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_IQN = re.compile(rf"iqn\.\d{{4}}-(?:0[1-9]|1[0-2])\.{_LABEL}(?:\.{_LABEL})*(?::[a-z0-9.:-]+)?", re.ASCII)
_EUI = re.compile(r"eui\.[0-9A-Fa-f]{16}")
_NAA = re.compile(r"naa\.(?:[0-9A-Fa-f]{16}|[0-9A-Fa-f]{32})")
_SECRET = re.compile(r"[A-Za-z0-9]{12,16}")


def checked_initiator(name: str) -> str:
    """An iSCSI name: `iqn.` (RFC 3720; lower case, as RFC 3722 has it), `eui.` or `naa.` (RFC 3980)."""
    if len(name.encode()) > LONGEST_NAME_BYTES:
        raise UsageError("initiator", f"has {len(name.encode())} bytes, at most {LONGEST_NAME_BYTES} are allowed", _SEE)
    if _IQN.fullmatch(name) or _EUI.fullmatch(name) or _NAA.fullmatch(name):
        return name
    if _IQN.fullmatch(name.lower()):
        lower = f"iSCSI names are compared in lower case: give the initiator and this command {name.lower()}"
        raise UsageError(f"initiator '{name}'", "has capital letters", lower)
    raise UsageError(f"initiator '{name}'", "is not an iSCSI name", _SEE)


_SEE = "for example iqn.1993-08.org.debian:01:abc; the client's own is in /etc/iscsi/initiatorname.iscsi"


def checked_address(text: str) -> str:
    """One client's IP address in its usual form, without a scope; networks and names are not known to all servers."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise UsageError(
            f"client '{text}'", "is not an IP address", "give one address, for example 192.0.2.20"
        ) from None
    if address.is_unspecified or address.is_multicast or getattr(address, "scope_id", None):
        raise UsageError(
            f"client '{text}'", "is not the address of one client", "for example 192.0.2.20 or 2001:db8::20"
        )
    return str(address)


def checked_secret(secret: str) -> str:
    """A CHAP secret that every initiator takes. The message does not show it."""
    if not _SECRET.fullmatch(secret):
        raise UsageError(
            "CHAP secret",
            "must have 12 to 16 letters and digits",
            "correct CGCTL_CHAP_SECRET, or unset it: one is made up then",
        )
    return secret
