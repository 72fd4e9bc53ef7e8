"""NFSv4 by the kernel's own server."""

from __future__ import annotations

from drivers.exports.nfs_kernel.server import KernelNfsExports

__all__ = ["KernelNfsExports"]
