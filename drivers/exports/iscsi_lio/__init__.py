"""iSCSI by LIO, the kernel's own iSCSI target."""

from __future__ import annotations

from drivers.exports.iscsi_lio.server import LioExports

__all__ = ["LioExports"]
