"""Consistency groups for plain Linux storage servers."""

__version__ = "0.1.0"
