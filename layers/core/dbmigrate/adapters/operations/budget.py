"""The lock budget of one transaction: whoever stands behind its first lock waits for every later one too."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from dbmigrate.adapters.long_forms import BEFORE

FELT = re.compile(r"(?:ALTER|CREATE|DROP|TRUNCATE|LOCK|COMMENT|REINDEX|REFRESH)\b", re.IGNORECASE)
"""What takes locks that others have to wait for."""
WAITS = re.compile(f"{FELT.pattern}|(?:INSERT|UPDATE|DELETE|MERGE)\\b", re.IGNORECASE)
LEAST = 4
"""A later lock may be waited for this part of the budget at least: with less, every hiccup would be a try."""


class Budget:
    """What the first statements have waited, the next ones may not.

    The clock starts with the first statement that takes a lock which others feel. A limit is told only when
    it has shrunk, so that a transaction that waits for nobody costs no trip more.
    """

    def __init__(self, whole_ms: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._whole, self._told, self._clock = whole_ms, float(whole_ms), clock
        self._began: float | None = None

    def limit_for(self, statement: str) -> int | None:
        """lock_timeout for this statement in milliseconds, None where the one that holds is right."""
        sql = BEFORE.sub("", statement)
        if self._began is None:
            self._began = self._clock() if FELT.match(sql) else None
            return None
        if not WAITS.match(sql):
            return None
        left = max(self._whole - (self._clock() - self._began) * 1000, self._whole / LEAST)
        if left > 0.9 * self._told:
            return None
        self._told = left
        return max(1, round(left))
