"""When a batch is over, and what a statement of it may take."""

from __future__ import annotations

import time

from dbmigrate.adapters.operations.throttle import OF_AURORA
from dbmigrate.adapters.operations.work import Work

LONGEST = 3
"""How many times as long as a batch should a statement may take. One may begin when the batch's time is
nearly over, so whoever waits for a row waits four times as long at most."""
LOG_BYTES = 500_000
"""How much log a batch may write. A commit of the application waits until all that was written before it is
on the disk, and so for the batch as well."""
SETTINGS = f"""
SELECT (SELECT setting FROM pg_settings WHERE name = 'statement_timeout'),
       (SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'),
       NOT {OF_AURORA} AND has_function_privilege('pg_current_wal_insert_lsn()', 'EXECUTE')"""
"""Whether there is a log to look at comes last: on Aurora a commit waits for its own records alone."""
LOG = "pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8"


class Bounds:
    """Of batches that should take ``target`` seconds.

    Whoever waits for one of our rows looks for a deadlock after deadlock_timeout, and is then its victim: a
    statement ends after half of that time, and a batch begins none after a quarter.
    """

    def __init__(self, work: Work, target: float) -> None:
        own, deadlock, has_log = work.ask(SETTINGS)[0]
        self.statement_ms = min(deadlock // 2, int(LONGEST * target * 1000))
        self.seconds = min(target, deadlock / 4000)
        self.log = LOG if has_log else "NULL"
        self._own_ms = int(own)
        self._began, self._end, self._rows, self._a_row = 0.0, 0.0, 0, 0.0

    def begin(self) -> None:
        """A batch begins."""
        self._began, self._rows = time.monotonic(), 0

    def is_over(self, rows: int) -> bool:
        """Whether the batch is over with these further rows, by time or by log."""
        self._rows += rows
        return time.monotonic() - self._began >= self.seconds or self._rows * self._a_row >= LOG_BYTES

    def ended(self, log: float | None) -> None:
        """The batch is written, and this is where the log ends (``log`` asks for it)."""
        if log is not None and self._end and self._rows:
            self._a_row = (log - self._end) / self._rows
        self._end = log or 0.0

    def setting(self, smallest: bool) -> str:
        """statement_timeout, as SQL behind the BEGIN; "" where the session's own ends a statement. That one
        holds for the smallest possible batch, as it cannot be smaller."""
        own = smallest or 0 < self._own_ms < self.statement_ms
        return "" if own else f"; SET LOCAL statement_timeout = {self.statement_ms}"

    def is_ours(self, seconds: float, smallest: bool) -> bool:
        """Whether our own limit ended a statement, and not somebody who wants it to stop."""
        return self.setting(smallest) != "" and seconds * 1000 >= self.statement_ms
