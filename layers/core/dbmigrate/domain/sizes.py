"""Sizes of live tables: what turns an effect into a severity."""

from __future__ import annotations

from dataclasses import dataclass

SMALL_BYTES = 10 * 1024 * 1024
"""A table below it is read, rewritten or indexed within the lock budget of 100 ms, or nearly."""


@dataclass(frozen=True)
class Size:
    """A live table. ``rows`` is the planner's estimate; ``bytes`` counts the indexes and TOAST,
    ``index_bytes`` the indexes alone (0 where nobody told)."""

    rows: int
    bytes: int
    index_bytes: int = 0
