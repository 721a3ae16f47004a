"""Runs revisions on a connection of ours. env.py is never run: any Alembic project's revisions run under our
limits."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from sqlalchemy import Connection, MetaData

from dbmigrate.adapters import catalog
from dbmigrate.adapters.attended import Attended
from dbmigrate.adapters.history import History
from dbmigrate.adapters.login import execute_outside
from dbmigrate.adapters.migrators import HOLD_AGAIN
from dbmigrate.adapters.run_conductor import QUICK_TRIES
from dbmigrate.adapters.said import interrupt_of, is_broken, lock_holders, said, sqlstate
from dbmigrate.domain.errors import (
    DatabaseUnreachable,
    DbMigrateError,
    LockNotFree,
    LockNotFreeMidway,
    RevisionFailed,
    RevisionHalfApplied,
    UnknownRevision,
)
from dbmigrate.domain.unfinished import Unfinished

LOCK_CODES = ("55P03", "40P01")  # lock_not_available, deadlock_detected
CANCELLED = "57014"  # query_canceled: by statement_timeout, or by somebody
# Undoes what the last revision did to the session: SET, SET ROLE, temporary tables.
START_AFRESH = "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; DISCARD TEMP"
# For all revisions of a move but the last, whose commit waits for the disk and for all before it. A crash of
# the server may take the latest of them back, each with its version and its line in the ledger.
NO_WAIT = "SET LOCAL synchronous_commit = off; "

# Alembic's version table has one column of this name; env.py may have called the table otherwise.
OTHER_VERSION_TABLE = """
    SELECT min(c.oid::regclass::text) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind = 'r' AND c.relname <> 'alembic_version' AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY c.oid HAVING count(*) = 1 AND min(a.attname) = 'version_num'"""


def current(connection: Connection) -> tuple[str, ...]:
    """The revisions that the version table names; empty on a database that was never migrated.

    Raises UnknownRevision when the version stands in a table of another name: it would look new to us.
    """
    heads = tuple(sorted(MigrationContext.configure(connection).get_current_heads()))
    other = None if heads else connection.exec_driver_sql(OTHER_VERSION_TABLE).scalar()
    if other:
        raise UnknownRevision(
            f"This database keeps its Alembic version in {other}; only alembic_version is known here.",
            f"ALTER TABLE {other} RENAME TO alembic_version, and take version_table out of env.py",
        )
    return heads


class Move:
    """Upgrades to (or downgrades from) each of the revisions in turn, a transaction each.

    ``record(connection, revision, seconds, lock_waits)`` is called inside the revision's transaction,
    ``committed`` (the same without the connection) after it; the revision's own code runs inside of
    ``around()``. A lock that is not free rolls the whole revision back; it is run again a few times, with
    jitter. ``committed_inside`` says of the last revision whether it ended its transaction before its end, as
    autocommit_block does. ``attended`` makes those resumable, and ends them with the run's time.
    """

    def __init__(
        self,
        connection: Connection,
        history: History,
        direction: str,
        record: Callable[
            [Connection, str, float, int], None
        ] = lambda connection, revision, seconds, lock_waits: None,
        committed: Callable[[str, float, int], None] = lambda revision, seconds, lock_waits: None,
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
        attended: Attended | None = None,
    ) -> None:
        self.connection = connection
        self.history = history
        self.direction = direction
        self.record = record
        self.committed = committed
        self.around = around
        self.attended = attended
        self.committed_inside = False
        self._todo: deque[str] = deque()
        self._running: str | None = None
        self._waits = 0
        self._again = True
        self._started = 0.0
        self._transaction = ""

    def run(self, revisions: Sequence[str]) -> None:
        """Run all of them. Raises LockNotFree or RevisionFailed (nothing of that revision remains; those
        before it stay) or RevisionHalfApplied; when attended also LockNotFreeMidway, RunStopped and
        WorkContinues, after which a rerun goes on."""
        self._todo = deque(revisions)
        self._waits, self._again = 0, True
        if self.attended:
            self.attended.conductor.quick_tries = QUICK_TRIES
        while self._todo:
            try:
                self._run_the_rest()
            except RevisionFailed as error:
                raise self._left_by(error) from error
            except DbMigrateError:
                raise
            except (Exception, SystemExit) as error:
                if interrupt := interrupt_of(error):
                    raise interrupt from error
                if self._running is None:
                    raise
                self._give_up_or_wait(self._running, error)

    def _run_the_rest(self) -> None:
        with EnvironmentContext(self.history.config, self.history.script, fn=self._steps) as environment:
            environment.configure(
                conductor=self.attended.conductor if self.attended else None,
                connection=self.connection,
                transaction_per_migration=True,
                target_metadata=MetaData(naming_convention=self.history.naming_convention),
                on_version_apply=self._before_commit,
            )
            environment.run_migrations()

    def _steps(self, heads: Any, context: MigrationContext) -> Iterator[MigrationStep]:
        """Alembic asks for a step only after the one before it was committed: this sees every commit."""
        while self._todo:
            self._running, self._transaction = self._todo[0], ""
            self.connection.commit()
            if self.attended:
                self.attended.approach(self._running, self.direction, self._again)
            self._started = time.perf_counter()
            yield self._step(self._running)
            self._todo.popleft()
            done, waits, self._running, self._waits = self._running, self._waits, None, 0
            self._again = False
            self.committed(done, time.perf_counter() - self._started, waits)

    def _step(self, revision: str) -> MigrationStep:
        script: Any = self.history.script.get_revision(revision)
        upward = self.direction == "upgrade"
        make = MigrationStep.upgrade_from_script if upward else MigrationStep.downgrade_from_script
        step = make(self.history.script.revision_map, script)
        work: Callable[..., Any] = step.migration_fn

        def begin_and_work(**arguments: Any) -> None:
            also = self.attended.at_begin if self.attended else ""
            self._transaction = _begun(self.connection, self._settings(), also)
            with self.around(), self.attended.revision() if self.attended else nullcontext():
                work(**arguments)

        step.migration_fn = begin_and_work
        return step

    def _settings(self) -> str:
        bound = self.attended.conductor.limits if self.attended else None
        ends = f"SET statement_timeout = {bound.statement_ms()}; " if bound and bound.deadline else ""
        return ends + (NO_WAIT if len(self._todo) > 1 else "")

    def _before_commit(self, ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
        """Alembic calls it when the version table has the revision, in the same transaction."""
        assert self._running is not None
        facts = self._running, time.perf_counter() - self._started, self._waits
        line, hold = (self.attended.line(*facts), HOLD_AGAIN) if self.attended else ("", "true")
        transaction, held = _asked(self.connection, f"{line}SELECT pg_current_xact_id()::text, {hold}")
        self.committed_inside = transaction != self._transaction
        if self.committed_inside and not _was_committed(self.connection, self._transaction):
            raise RuntimeError("it says ROLLBACK itself, so its first statements are lost")
        if not held:
            raise RuntimeError("it gave up its session's locks (DISCARD ALL?), and another migrator has them")
        if self.attended and (self.committed_inside or self._again):
            self.attended.forget()
        self.record(self.connection, *facts)

    def _give_up_or_wait(self, revision: str, error: BaseException) -> None:
        if is_broken(error, self.connection):
            raise DatabaseUnreachable(
                f"{self._where(revision)}: the connection broke, so its end is unknown ({said(error)}).",
                "ask the database what is true: db-migrate status",
            ) from error
        self.connection.rollback()
        self._refuse_to_go_on_when_stopped(error)
        half = bool(self._transaction) and _was_committed(self.connection, self._transaction)
        self._transaction, self._again = "", True
        left = self._left() if half else []
        if half and (left or not self.attended) and not (self.attended and sqlstate(error) in LOCK_CODES):
            raise self._half_applied(revision, error, left) from error
        if sqlstate(error) not in LOCK_CODES:
            raise RevisionFailed(
                f"{self._where(revision)}: {said(error)}{self._cut_short(error)}",
                "nothing of it remains; mend the revision, then: db-migrate validate",
            ) from error
        self._waits += 1
        if self._waits >= QUICK_TRIES:
            raise self._locked(revision, error, bool(left)) from error
        time.sleep(random.uniform(0.05, 0.15) * 2**self._waits)

    def _left(self) -> list[Unfinished]:
        """What stands of the revision; where that is nothing, the journal says so too."""
        if self.attended is None:
            return []
        left = self.attended.remaining()
        self.connection.rollback()  # looking has begun a transaction
        if not left:
            self.attended.forget()
        return left

    def _left_by(self, error: RevisionFailed) -> DbMigrateError:
        """What an operation raised: it knows of itself, and the journal of those before it."""
        if self._running is None or self.attended is None or is_broken(error, self.connection):
            return error
        self.connection.rollback()
        left = self._left()
        return self._half_applied(self._running, error, left) if left else error

    def _refuse_to_go_on_when_stopped(self, error: BaseException) -> None:
        conductor = self.attended.conductor if self.attended else None
        if conductor and sqlstate(error) == CANCELLED and conductor.wish(now=True) == "stop":
            raise conductor.stopped() from error

    def _cut_short(self, error: BaseException) -> str:
        limits = self.attended.conductor.limits if self.attended else None
        if limits is None or limits.deadline is None or sqlstate(error) != CANCELLED:
            return ""
        had = time.perf_counter() - self._started
        return (
            f". PostgreSQL cancelled it because the invocation's time was over; the revision had {had:.0f} s."
            " Work that takes longer goes into op.backfill and the other safe operations, which go on where "
            "they stopped"
        )

    def _where(self, revision: str) -> str:
        return f"{self.history.revisions[revision].file}, {self.direction}"

    def _locked(self, revision: str, error: BaseException, midway: bool) -> LockNotFree:
        statement = " ".join(str(getattr(error, "statement", "")).split())[:200]
        end = "stopped; what it committed before stands" if midway else "was rolled back"
        return (LockNotFreeMidway if midway else LockNotFree)(
            f"Revision {revision} found a lock taken {self._waits} times in a row and {end}. "
            f"It waited at: {statement}. {lock_holders(self.connection, statement)}",
            "wait until the other session ends, or end it, then start the run again: db-migrate deploy",
        )

    def _half_applied(
        self, revision: str, error: BaseException, known: Sequence[Unfinished]
    ) -> RevisionHalfApplied:
        left = catalog.invalid_indexes(self.connection)
        self.connection.rollback()
        remains = f"Invalid indexes: {', '.join(left)}." if left else "No invalid index was left."
        what = error.message if isinstance(error, DbMigrateError) else said(error) + self._cut_short(error)
        if not known:
            return RevisionHalfApplied(
                f"{self._where(revision)}: {what}. It commits inside, so part of it may remain. {remains}",
                "look: db-migrate status; drop what remains (DROP INDEX CONCURRENTLY), then: "
                "db-migrate deploy",
            )
        stands = "".join(f"\n  {line.told()}" for line in known)
        return RevisionHalfApplied(
            f"{self._where(revision)}: {what.rstrip('.')}. {remains} Of the revision this stands:{stands}",
            "mend what it stumbled over, then: db-migrate deploy goes on from there",
        )


def _begun(connection: Connection, settings: str, also: str) -> str:
    """Begin with a session as fresh as on AWS, where every revision has one of its own; the transaction's id.
    One trip to the server, because there is one for every revision."""
    raw: Any = connection.connection.driver_connection
    asked = ", ".join(filter(None, ("pg_current_xact_id()::text", also)))
    begin = f"BEGIN; {START_AFRESH}; {settings}SELECT {asked}"
    return str(execute_outside(raw, begin)[0][0])


def _was_committed(connection: Connection, transaction: str) -> bool:
    """What became of a transaction: PostgreSQL's own word, whatever the revision did."""
    (status,) = _asked(connection, f"SELECT pg_xact_status('{transaction}')")
    return bool(status == "committed")


def _asked(connection: Connection, query: str) -> Any:
    # On the driver's own connection, so that a rehearsal does not take our questions for the revision's work.
    raw: Any = connection.connection.driver_connection
    cursor = raw.cursor()
    try:
        cursor.execute(query)
        return cursor.fetchone()
    finally:
        cursor.close()
