"""NFSv4 by nfs-ganesha."""

from __future__ import annotations

from drivers.exports.nfs_ganesha.server import GaneshaExports

__all__ = ["GaneshaExports"]
