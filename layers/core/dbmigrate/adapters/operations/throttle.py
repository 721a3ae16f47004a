"""Gives way to replicas that fall behind and to disks that are slow to commit, for a while each time."""

from __future__ import annotations

import random
import statistics
import time
from collections import deque
from collections.abc import Callable

from dbmigrate.adapters.operations.work import Work

LOOK_SECONDS = 1.0
LAG_SECONDS = 2.0
"""How far a replica may be behind; where one is further when the work begins, it may stay there."""
SLOW_COMMIT_SECONDS = 0.02
SLOWER = 4.0
"""How many times slower than at first our commits may get, from SLOW_COMMIT_SECONDS up."""
SAMPLE = 10
LONGEST_SECONDS = 30.0
"""A replica that never catches up slows the work down, but does not end it."""

REPLICAS = """SELECT coalesce(max(extract(epoch FROM replay_lag)), 0)::float8 FROM pg_stat_replication
 WHERE state = 'streaming' AND replay_lsn IS NOT NULL"""
"""An archive of the transactions replays none, and would seem to be further behind for ever."""
OF_AURORA = "(to_regproc('aurora_replica_status') IS NOT NULL)"
AURORA = "SELECT coalesce(max(replica_lag_in_msec), 0)::float8 / 1000 FROM aurora_replica_status()"


class Throttle:
    """``pause`` is asked after each batch, and looks at the server once a second."""

    def __init__(self, work: Work, sleep: Callable[[float], None] = time.sleep) -> None:
        self._ask, self._sleep = work.ask, sleep
        aurora = work.is_true(OF_AURORA)
        self._question = AURORA if aurora else REPLICAS
        self._limit = max(LAG_SECONDS, 1.5 * self.lag())
        self._looked = time.monotonic()
        self._first: list[float] = []
        self._latest: deque[float] = deque(maxlen=SAMPLE)

    def lag(self) -> float:
        """Seconds that the slowest replica is behind, 0 where there is none."""
        return float(self._ask(self._question)[0][0])

    def committed(self, seconds: float) -> None:
        """A batch was committed, which took so long."""
        if len(self._first) < SAMPLE:
            self._first.append(seconds)
        self._latest.append(seconds)

    def pause(self, tell: Callable[[str], None]) -> None:
        """Wait while a limit is passed. ``tell`` hears why, after each wait, and may raise."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        until = time.monotonic() + LONGEST_SECONDS
        while (why := self._strained()) and time.monotonic() < until:
            self._sleep(random.uniform(0.1, 0.4))
            tell(why)
        self._looked = time.monotonic()

    def _strained(self) -> str:
        behind = self.lag()
        if behind > self._limit:
            return f"a replica is {behind:.1f} s behind"
        if len(self._latest) == SAMPLE and self._slow(now := statistics.median(self._latest)):
            self._latest.clear()
            return f"a commit takes {now * 1000:.0f} ms"
        return ""

    def _slow(self, now: float) -> bool:
        return now > max(SLOW_COMMIT_SECONDS, SLOWER * statistics.median(self._first))
