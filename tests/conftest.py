"""Fixtures for all tests: the lab of real servers (asked for by name, started once)."""

from __future__ import annotations

pytest_plugins = ["tests.lab.fixtures"]
