"""Move this process into the client's network namespace: its sockets and all its children reach the hosts."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000


@contextmanager
def entered(namespace: Path) -> Iterator[None]:
    """Only the calling thread moves, and the threads and processes that it starts from then on."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _set_network_namespace(namespace)
        yield
    finally:
        _setns(own)
        os.close(own)


def _set_network_namespace(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _setns(descriptor)
    finally:
        os.close(descriptor)


def _setns(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
