"""Fixtures for the tests of the domain's commands: a whole cgctl on `file` backends."""

from __future__ import annotations

from tests.manager.fixtures import db, fresh, house, origin

__all__ = ["db", "fresh", "house", "origin"]
