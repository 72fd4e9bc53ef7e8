"""Fixtures of these tests."""

from __future__ import annotations

from tests.manager.fixtures import db, fresh, house, origin, refusing, replicated

__all__ = ["db", "fresh", "house", "origin", "refusing", "replicated"]
