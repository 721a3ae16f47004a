"""How long a piece of a batch may take, and how much log it may write."""

from __future__ import annotations

from dbmigrate.adapters.operations.throttle import OF_AURORA
from dbmigrate.adapters.operations.work import Work

LONGEST = 3
"""How many times as long as a batch should a piece may take that goes alone: more than it may wait for a
lock. Among others it has the time of the batch, so that its rows are not held meanwhile."""
LEAST_MS = 20
"""What is shorter tells more of the machine than of the rows."""
PIECE_SECONDS = 0.00055
"""How long the server should work on a piece. A server's process that works on without a pause keeps its
processor for milliseconds, and the application's requests that the system has put there wait as long, even
beside an idle one; at a commit it waits for the disk, and others come in."""
TIMES_COMMIT = 1.5
"""How many times as long as its commit a piece takes at least: most of the time goes to the rows."""
LOG_BYTES = 500_000
"""How much log a piece may write. A commit of the application waits until all that was written before it is
on the disk, and so for the piece as well."""
SETTINGS = f"""
SELECT (SELECT setting FROM pg_settings WHERE name = 'statement_timeout'),
       (SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'),
       NOT {OF_AURORA} AND has_function_privilege('pg_current_wal_insert_lsn()', 'EXECUTE')"""
"""Whether there is a log to look at comes last: on Aurora a commit waits for its own records alone."""
LOG = "pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8"


class Bounds:
    """Of the pieces of batches that should take ``target`` seconds.

    Whoever waits for one of our rows looks for a deadlock after deadlock_timeout, and is then its victim: a
    piece ends after half of that time, and should take a quarter at most.
    """

    def __init__(self, work: Work, target: float) -> None:
        own, deadlock, has_log = work.ask(SETTINGS)[0]
        self.target = target
        self._lock_ms = work.conductor.lock_ms
        self._deadlock_ms = deadlock
        self._longest: float = min(target, deadlock / 4000)
        self._own_ms = int(own)
        self._log = f"SELECT {LOG}" if has_log else ""
        self._ask = work.ask
        self._end, self._a_row = 0.0, 0.0

    def piece_seconds(self, commit: float) -> float:
        """How long the server should work on a piece where a commit takes so long."""
        return min(max(PIECE_SECONDS, TIMES_COMMIT * commit), self._longest)

    def look_at_the_log(self, rows: int) -> None:
        """So many rows were written since the last look."""
        if not self._log:
            return
        end = float(self._ask(self._log)[0][0])
        if self._end and rows:
            self._a_row = (end - self._end) / rows
        self._end = end

    @property
    def most_rows(self) -> int | None:
        """How many rows of a piece write as much log as they may; None where nobody knows."""
        return max(1, int(LOG_BYTES / self._a_row)) if self._a_row > 0 else None

    def limit(self, alone: bool, smallest: bool) -> int | None:
        """statement_timeout of a piece, in milliseconds; None where the session's own ends it. That one holds
        for the smallest possible piece that goes alone, as it can be no smaller. Among others it is the lock
        budget as well: only a piece alone has a lock_timeout."""
        wanted = max(LEAST_MS, int((LONGEST if alone else 1) * self.target * 1000))
        limit = min(self._deadlock_ms // 2, wanted)
        if not alone and self._lock_ms:
            limit = min(limit, self._lock_ms)
        own = (alone and smallest) or 0 < self._own_ms < limit
        return None if own else limit
