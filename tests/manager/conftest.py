"""Fixtures of these tests."""

from __future__ import annotations

from tests.manager.fixtures import apart, db, fresh, house, origin, refusing, replicated, three, used

__all__ = ["apart", "db", "fresh", "house", "origin", "refusing", "replicated", "three", "used"]
