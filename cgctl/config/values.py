"""The written forms of a configuration's values: paths, durations, sizes, portals. Pure but for `~`."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

_UNITS_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS_BYTES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PORTAL = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:(?P<port>\d{1,5}))?")


def seconds(value: object) -> int:
    """`90`, `30s`, `15m`, `2h` or `1d` as seconds. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,9})([smhd]?)", str(value))
    if isinstance(value, bool) or not found or not int(found[1]):
        raise ValueError("must be a duration such as 30s, 15m or 2h")
    return int(found[1]) * _UNITS_SECONDS[found[2] or "s"]


def size_bytes(value: object) -> int:
    """`100M`, `1G` (powers of 1024) or bytes as a number. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,15})([KMGT]?)(i?B)?", str(value))
    if isinstance(value, bool) or not found or not int(found[1]):
        raise ValueError("must be a size such as 512K, 100M or 1G")
    return int(found[1]) * _UNITS_BYTES[found[2]]


def host(value: str) -> str:
    """A host name or address; IPv6 with or without brackets is kept without. Raises ValueError."""
    if ":" in value and re.fullmatch(r"[0-9A-Fa-f:.]+", value):
        return value
    if not _HOST.fullmatch(value):
        raise ValueError("must be a host name or an address")
    return value.strip("[]")


def portal(value: str, default_port: int) -> str:
    """`address:port`, with the protocol's port where there is none. Raises ValueError."""
    found = _PORTAL.fullmatch(value)
    if not found or not _HOST.fullmatch(found["host"]):
        raise ValueError("must be address:port, an IPv6 address in brackets")
    port = int(found["port"] or default_port)
    if not 0 < port < 65536:
        raise ValueError("must have a port from 1 to 65535")
    return f"{found['host']}:{port}"


def directory(value: str) -> str:
    """An absolute path of a server, in its plain form. Raises ValueError."""
    path = PurePosixPath(value)
    if not path.is_absolute() or ".." in path.parts or not value.isprintable():
        raise ValueError("must be an absolute path without ..")
    if len(path.parts) < 2:
        raise ValueError("must not be the root directory")
    return "/" + str(path).lstrip("/")


def local_path(value: object) -> Path:
    """A path of this machine, `~` expanded. Raises ValueError."""
    if not isinstance(value, (str, Path)) or not str(value):
        raise ValueError("must be a path")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise ValueError("must be a path; no home directory is known for its ~") from error


POOL_FORMS = {
    "lvm": (re.compile(r"[A-Za-z0-9+_.][A-Za-z0-9+_.-]*/[A-Za-z0-9+_.][A-Za-z0-9+_.-]*"), "VG/THINPOOL"),
    "zfs": (re.compile(r"[A-Za-z][A-Za-z0-9_.:-]*(/[A-Za-z0-9_.:-]+)*"), "a dataset such as tank/cgctl"),
    "rbd": (re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)?"), "a pool such as rbd"),
}


def pool(value: str, driver: str) -> str:
    """The pool in the form of its driver: a directory, VG/THINPOOL, a dataset, a pool. Raises ValueError."""
    if driver not in POOL_FORMS:
        return directory(value)
    form, words = POOL_FORMS[driver]
    if not form.fullmatch(value):
        raise ValueError(f"must be {words}")
    return value
