"""Skipping what cannot run here."""

from __future__ import annotations

import os

import pytest


def skip_or_fail(obstacle: str | None) -> None:
    """Where something is in the way, a test may be skipped on a developer's machine, never silently in CI."""
    if obstacle and os.environ.get("CI"):
        pytest.fail(f"{obstacle}, and CI is set", pytrace=False)
    if obstacle:
        pytest.skip(obstacle)
