"""Fixtures of these tests."""

from __future__ import annotations

from tests.manager.fixtures import db, house

__all__ = ["db", "house"]
