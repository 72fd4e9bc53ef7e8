"""iSCSI by tgt."""

from __future__ import annotations

from drivers.exports.iscsi_tgt.server import TgtExports

__all__ = ["TgtExports"]
