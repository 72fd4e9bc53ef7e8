"""The lab: real storage servers (sshd, btrfs, tgt, nfs-ganesha) in namespaces; see NOTES.md."""

from __future__ import annotations

from tests.lab.command import CommandFailed
from tests.lab.host import Host
from tests.lab.lab import Lab

__all__ = ["CommandFailed", "Host", "Lab"]
