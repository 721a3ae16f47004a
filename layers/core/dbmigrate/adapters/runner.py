"""Runs revisions on a connection of ours. env.py is never run: any Alembic project's revisions run under our
limits."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from sqlalchemy import Connection, MetaData

from dbmigrate.adapters import catalog
from dbmigrate.adapters.history import History
from dbmigrate.domain.errors import DbMigrateError, LockNotFree, RevisionFailed, RevisionHalfApplied

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK_DETECTED = "40P01"
QUICK_TRIES = 5


def current(connection: Connection) -> tuple[str, ...]:
    """The revisions that the version table names; empty on a database that was never migrated."""
    return tuple(sorted(MigrationContext.configure(connection).get_current_heads()))


class Move:
    """Upgrades to (or downgrades from) each of the revisions in turn, a transaction each.

    ``record(connection, revision, seconds, lock_waits)`` is called inside the revision's transaction,
    ``committed`` (the same without the connection) after it. A lock that is not free rolls the whole revision
    back; it is run again a few times, with jitter.
    """

    def __init__(
        self,
        connection: Connection,
        history: History,
        direction: str,
        record: Callable[[Connection, str, float, int], None],
        committed: Callable[[str, float, int], None] = lambda revision, seconds, lock_waits: None,
    ) -> None:
        self.connection = connection
        self.history = history
        self.direction = direction
        self.record = record
        self.committed = committed
        self.todo: deque[str] = deque()
        self.waits = 0
        self.started = 0.0

    def run(self, revisions: Sequence[str]) -> None:
        """Run all of them. Raises LockNotFree or RevisionFailed (nothing of that revision remains; those
        before it stay) or RevisionHalfApplied."""
        self.todo = deque(revisions)
        self.waits = 0
        while self.todo:
            try:
                self._run_the_rest()
            except DbMigrateError:
                raise
            except Exception as error:
                self.connection.rollback()
                self._give_up_or_wait(error)

    def _run_the_rest(self) -> None:
        """Alembic asks for a step only after the one before it was committed, so the generator sees every
        commit."""
        with EnvironmentContext(self.history.config, self.history.script, fn=self._steps) as environment:
            environment.configure(
                connection=self.connection,
                transaction_per_migration=True,
                target_metadata=MetaData(naming_convention=self.history.naming_convention),
                on_version_apply=self._record_in_transaction,
            )
            environment.run_migrations()

    def _steps(self, heads: Any, context: MigrationContext) -> Iterator[Any]:
        while self.todo:
            revision = self.todo[0]
            self.connection.info["autocommit_used"] = False
            self.started = time.perf_counter()
            yield self._step(revision)
            self.todo.popleft()
            self.committed(revision, time.perf_counter() - self.started, self.waits)
            self.waits = 0

    def _step(self, revision: str) -> Any:
        script = self.history.script.get_revision(revision)
        upward = self.direction == "upgrade"
        make = MigrationStep.upgrade_from_script if upward else MigrationStep.downgrade_from_script
        return make(self.history.script.revision_map, script)

    def _record_in_transaction(self, **applied: Any) -> None:
        self.record(self.connection, self.todo[0], time.perf_counter() - self.started, self.waits)

    def _give_up_or_wait(self, error: Exception) -> None:
        half = bool(self.connection.info.get("autocommit_used"))
        if half or sqlstate(error) not in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED):
            raise self._failure(error, half) from error
        self.waits += 1
        if self.waits >= QUICK_TRIES:
            raise self._locked(error) from error
        time.sleep(random.uniform(0.05, 0.15) * 2**self.waits)

    def _locked(self, error: Exception) -> LockNotFree:
        statement = " ".join(str(getattr(error, "statement", "")).split())[:200]
        return LockNotFree(
            f"Revision {self.todo[0]} found a lock taken {self.waits} times in a row and was rolled back each time. "
            f"It waited at: {statement}. {_holders(self.connection)}",
            "wait until the other session ends, or end it, then start the run again: db-migrate deploy",
        )

    def _failure(self, error: Exception, half: bool) -> RevisionFailed | RevisionHalfApplied:
        where = f"{self.history.revisions[self.todo[0]].file}, {self.direction}"
        if not half:
            hint = "nothing of it remains; mend the revision, then: db-migrate validate"
            return RevisionFailed(f"{where}: {said(error)}", hint)
        left = catalog.invalid_indexes(self.connection)
        self.connection.rollback()
        remains = f"Invalid indexes: {', '.join(left)}." if left else "No invalid index was left."
        return RevisionHalfApplied(
            f"{where}: {said(error)}. It commits inside (autocommit_block), so part of it may remain. {remains}",
            "look with db-migrate status; drop what remains (DROP INDEX CONCURRENTLY), then: db-migrate deploy",
        )


def sqlstate(error: BaseException) -> str:
    """The five letters of PostgreSQL's error code, "" where there is none."""
    original = getattr(error, "orig", error)
    facts = original.args[0] if original is not None and original.args else {}
    return str(facts.get("C", "")) if isinstance(facts, dict) else ""


def said(error: BaseException) -> str:
    """PostgreSQL's own words: message, detail and hint, and the statement that failed."""
    original = getattr(error, "orig", None)
    facts = original.args[0] if original is not None and original.args else None
    if not isinstance(facts, dict):
        return f"{type(error).__name__}: {error}"
    words = [facts.get("M", "")] + [facts[key] for key in ("D", "H") if key in facts]
    statement = " ".join(str(getattr(error, "statement", "") or "").split())
    return ". ".join(words) + (f". Statement: {statement[:500]}" if statement else "")


def _holders(connection: Connection) -> str:
    """The oldest transactions of this database, which are the likely holders."""
    rows = connection.exec_driver_sql(
        """SELECT pid, application_name, extract(epoch FROM clock_timestamp() - xact_start)::int, left(query,
        80)
             FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
            ORDER BY xact_start LIMIT 3"""
    ).all()
    connection.rollback()
    if not rows:
        return "Its holder has gone since."
    return "Oldest open transactions: " + "; ".join(
        f"pid {pid} ({application or 'no name'}), {age} s: {' '.join(query.split())}"
        for pid, application, age, query in rows
    )
