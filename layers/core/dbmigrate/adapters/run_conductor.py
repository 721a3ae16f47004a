"""Decides how long the work of a run goes on: until its time is over, or until somebody wishes otherwise."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

import pg8000.dbapi
from pg8000.native import literal
from sqlalchemy import Connection

from dbmigrate.adapters.journal import MARK
from dbmigrate.adapters.login import execute_outside
from dbmigrate.adapters.operations.conduct import pause_before
from dbmigrate.adapters.said import lock_holders
from dbmigrate.adapters.target import Limits
from dbmigrate.domain.errors import LockNotFree, LockNotFreeMidway, RevisionFailed, RunStopped, WorkContinues
from dbmigrate.domain.progress import Progress

QUICK_TRIES = 5
ASK_SECONDS = 1.0
"""How often the run's wish is read and statement_timeout is set anew."""
PAUSED_WAIT = 30
"""After how many seconds the state machine asks whether a paused run may go on."""
Report = Callable[[Progress], None]


def unseen(progress: Progress) -> None:
    """Nobody watches."""


class RunConductor:
    """The conductor of a run on its connection; see operations.conduct.Conductor.

    With a deadline (a function's invocation) it raises WorkContinues when the time, or a slice of it, is over
    or the run is paused. Without one (a terminal) there is time, and a paused run sleeps.
    """

    def __init__(self, connection: Connection, run: str, limits: Limits, report: Report = unseen) -> None:
        self.connection, self.run, self.limits, self.report = connection, run, limits, report
        self.revision = ""
        self.lock_ms = limits.lock
        self.quick_tries = QUICK_TRIES
        self.midway: Callable[[], bool] = lambda: False
        self.last: Progress | None = None
        self._wish, self._asked_at = "", float("-inf")
        ends = [time.monotonic() + limits.slice, limits.deadline] if limits.deadline else []
        self._ends_at = min(filter(None, ends), default=None)

    @property
    def has_deadline(self) -> bool:
        return self._ends_at is not None

    def go_on(self, progress: Progress) -> None:
        """Between two steps or batches: the moment to pause, to stop, or to leave the rest to the next call.
        Raises RunStopped or WorkContinues."""
        self.last = progress
        while self.wish() == "pause":
            self.report(replace(progress, paused=True))
            if self.has_deadline:
                raise WorkContinues(replace(progress, paused=True), PAUSED_WAIT)
            time.sleep(ASK_SECONDS)
        self.watch(progress, 0)

    def watch(self, progress: Progress, wait: int) -> None:
        """While something works that cannot pause. Raises RunStopped, or WorkContinues with ``wait``."""
        self.report(progress)
        if self.wish() == "stop":
            raise self.stopped(progress)
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            raise WorkContinues(progress, wait)

    def stopped(self, progress: Progress | None = None) -> RunStopped:
        at = f" at {progress.operation} {progress.table}, {progress.step}" if progress else ""
        return RunStopped(
            f"Run {self.run} was stopped in revision {self.revision}{at}; what was committed stands.",
            "look where it is: db-migrate status; go on: db-migrate deploy",
        )

    def wish(self, now: bool = False) -> str:
        """What people wish of the run: "pause", "stop" or "". Read at most once a second, and in the same
        trip the limit of statements is brought to the time that is left."""
        if now or time.monotonic() - self._asked_at >= ASK_SECONDS:
            self._asked_at = time.monotonic()
            raw = self.connection.connection.driver_connection
            wish = f"(SELECT to_jsonb(r) ->> 'wish' FROM dbmigrate.run r WHERE name = {literal(self.run)})"
            self._wish = execute_outside(raw, f"{MARK}SELECT {wish}{self._bounded()}")[0][0] or ""
        return self._wish

    def _bounded(self) -> str:
        if self.limits.deadline is None:
            return ""
        return f", set_config('statement_timeout', '{self.limits.statement_ms()}', false)"

    def bound_statements(self) -> None:
        """Keep a statement from outliving the invocation: PostgreSQL cancels before Lambda kills. Once a
        second at most; a transaction that failed takes no setting, and needs none."""
        if self.limits.deadline is not None and time.monotonic() - self._asked_at >= ASK_SECONDS:
            with contextlib.suppress(pg8000.dbapi.DatabaseError):
                self.wish()

    def refuse_when_over(self) -> None:
        """Before a statement of a revision that cannot be left half-way: many short ones would outlive the
        invocation too. Raises RevisionFailed."""
        if self.limits.deadline is not None and time.monotonic() >= self.limits.deadline:
            raise RevisionFailed(
                f"Revision {self.revision}: its statements took until the invocation's time was over, and it "
                "was not done.",
                "split it, or put its work into op.backfill and the other safe operations, which go on where "
                "they stopped",
            )

    def lock_not_free(
        self, tries: int, error: Exception, progress: Progress, connection: Connection, statement: str
    ) -> None:
        """Sleep before the next try; after a few quick ones the waiting is for those whom it costs nothing.
        Raises LockNotFreeMidway when something of the revision is committed, else LockNotFree."""
        self.report(replace(progress, detail="waits for a lock"))
        if self.wish() == "stop":
            raise self.stopped(progress)
        if tries < self.quick_tries:
            time.sleep(pause_before(tries))
            return
        said = " ".join(statement.split())[:200]
        midway = progress.number > 1 or self.midway()
        raise (LockNotFreeMidway if midway else LockNotFree)(
            f"Revision {self.revision}, {progress.operation} {progress.table}, step {progress.number} of "
            f"{progress.of} ({progress.step}) found a lock taken {tries} times in a row. It waited at: "
            f"{said}. {lock_holders(connection, statement)}",
            "wait until the other session ends, or end it, then go on: db-migrate deploy",
        ) from error
