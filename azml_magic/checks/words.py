"""Sets of names, written as text."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Split a text into a set of words."""
    return frozenset(text.split())
