"""Two real storage servers in virtual machines: LVM thin, LIO and the kernel's NFS server; see NOTES.md."""

from __future__ import annotations

from tests.lab.vm.machine import Machine
from tests.lab.vm.machines import Machines

__all__ = ["Machine", "Machines"]
