"""Who works on a database: the one migrator, and the long statement that may outlive it.

Both hold an advisory lock of their session. Polled, never waited for: a waiter in pg_advisory_lock deadlocks
with CREATE INDEX CONCURRENTLY.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from dbmigrate.adapters.login import execute_outside
from dbmigrate.domain.errors import DbMigrateError, RunInProgress, StillRunning

ADVISORY_KEY = 0x64626D6967726174  # "dbmigrat"
LONG_KEY = ADVISORY_KEY + 1
"""Held by the session of a long statement, which goes on when the migrator is gone."""
LOCK_POLL_SECONDS = 0.2
LOCK_PATIENCE_SECONDS = 5.0
LOOK = "wait for its end; how far it is, and whether somebody paused it: db-migrate status"
# Which session has a key: pg_locks splits it in two.
HOLDER = """
SELECT a.pid, a.application_name, a.application_name = current_setting('application_name') AS ours,
       coalesce(a.query, '') AS query, coalesce(a.state, '') AS state,
       coalesce(extract(epoch FROM clock_timestamp() - a.state_change), 0)::float AS since
  FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32 | l.objid::bigint) = {key}"""
HOLD_AGAIN = f"pg_try_advisory_lock({ADVISORY_KEY})"
"""Takes the migrators' lock when the session has lost it, as after DISCARD ALL; whether it has it now. A
session may take a lock that it has any number of times."""


@dataclass(frozen=True)
class Holder:
    """A session that has one of the keys; ``since`` is for how many seconds it has been in its state."""

    pid: int
    application: str
    ours: bool
    query: str
    state: str
    since: float


@contextlib.contextmanager
def only_migrator(connection: Connection) -> Iterator[None]:
    """Hold the advisory lock of migrators for the session. Raises RunInProgress or StillRunning."""
    limit = time.monotonic() + LOCK_PATIENCE_SECONDS
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({ADVISORY_KEY})").scalar_one():
        connection.rollback()
        if time.monotonic() > limit:
            raise _occupied(connection)
        time.sleep(LOCK_POLL_SECONDS)
    connection.commit()
    try:
        yield
    finally:
        # The lock ends with the session at the latest: whatever went wrong is told by its own error.
        with contextlib.suppress(Exception):
            connection.rollback()
            connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
            connection.commit()


def long_holder(connection: Connection) -> Holder | None:
    """The session of a long statement that works yet, whichever run began it."""
    return _holder(connection, LONG_KEY)


def migrator(connection: Connection) -> Holder | None:
    """The session of the migrator at work."""
    return _holder(connection, ADVISORY_KEY)


def _holder(connection: Connection, key: int) -> Holder | None:
    raw = connection.connection.driver_connection
    rows = execute_outside(raw, HOLDER.format(key=key))
    return Holder(*rows[0]) if rows else None


def _occupied(connection: Connection) -> DbMigrateError:
    """Who has the lock. A retry after a lost answer may meet the invocation before it, which still works: the
    run will have changed something, and must not end as one that has not."""
    holder = _holder(connection, ADVISORY_KEY)
    if holder is None:
        return RunInProgress("Another migrator was at work just now.", "try again: db-migrate deploy")
    who = f"pid {holder.pid} ({holder.application or 'no name'})"
    if holder.ours:
        return StillRunning(
            f"An earlier invocation of this run still works: {who}.", "ask later: db-migrate status"
        )
    return RunInProgress(f"Another migrator works on this database right now: {who}.", LOOK)
