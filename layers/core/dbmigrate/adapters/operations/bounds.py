"""When a batch is over, and what a statement of it may take."""

from __future__ import annotations

import time

from dbmigrate.adapters.operations.look import value
from dbmigrate.adapters.operations.throttle import OF_AURORA
from dbmigrate.adapters.operations.work import Work

LONGEST = 3
"""How many times as long as a batch should a statement may take: whoever waits for a row waits so long."""
LOG_BYTES = 500_000
"""How much log a batch may write. A commit of the application waits until all that was written before it is
on the disk, and so for the batch as well."""
SETTINGS = f"""
SELECT (SELECT setting FROM pg_settings WHERE name = 'statement_timeout'),
       (SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'),
       NOT {OF_AURORA} AND has_function_privilege('pg_current_wal_insert_lsn()', 'EXECUTE')"""
"""On Aurora a commit waits for its own records alone."""
WRITTEN = "pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8"


class Bounds:
    """Of batches that should take ``target`` seconds.

    Whoever waits for one of our rows looks for a deadlock after deadlock_timeout, and is then its victim: a
    statement ends after half of that time, and a batch begins none after a quarter.
    """

    def __init__(self, work: Work, target: float) -> None:
        own, deadlock, self._has_log = work.ask(SETTINGS)[0]
        self.statement_ms = min(deadlock // 2, int(LONGEST * target * 1000))
        self.seconds = min(target, deadlock / 4000)
        self._work, self._own = work, str(own)
        self._written, self._rows, self._a_row = 0.0, 0, 0.0
        self._began = 0.0

    def begin(self, smallest: bool) -> None:
        """A batch begins: its statements get their limit. The smallest possible keeps the session's own, as
        it cannot be made smaller."""
        self._began = time.monotonic()
        limited = f"set_config('statement_timeout', {value(self._limit(smallest))}, true)"
        written = self._work.ask(f"SELECT {limited}, {WRITTEN if self._has_log else 0}")[0][1]
        if self._rows:
            self._a_row = (written - self._written) / self._rows
        self._written, self._rows = written, 0

    def is_over(self, rows: int) -> bool:
        """Whether the batch is over with these further rows, by time or by log."""
        self._rows += rows
        return time.monotonic() - self._began >= self.seconds or self._rows * self._a_row >= LOG_BYTES

    def is_ours(self, seconds: float, smallest: bool) -> bool:
        """Whether our own limit ended a statement, and not somebody who wants it to stop."""
        return self._limit(smallest) != self._own and seconds * 1000 >= self.statement_ms

    def _limit(self, smallest: bool) -> str:
        return self._own if smallest or 0 < int(self._own) < self.statement_ms else str(self.statement_ms)
