"""One database as the use cases see it. Every method opens a connection of its own, with limits, and closes
it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pg8000.dbapi
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters import blockers, catalog, fence_tables, ledger, marks, rows_written, runner, sizes
from dbmigrate.adapters.attended import Attended
from dbmigrate.adapters.connection import Limits, Target, connected
from dbmigrate.adapters.half_applied import unfinished_now
from dbmigrate.adapters.handles import Handles, reachable
from dbmigrate.adapters.history import History
from dbmigrate.adapters.kept import keep_before
from dbmigrate.adapters.migrators import only_migrator
from dbmigrate.adapters.row_checks import RowChecks
from dbmigrate.adapters.run_conductor import Report, RunConductor, unseen
from dbmigrate.adapters.said import is_broken, lock_holders, said, sqlstate
from dbmigrate.domain.blockers import Blocker, Foretold
from dbmigrate.domain.catalog import Catalog, fingerprint
from dbmigrate.domain.errors import (
    DatabaseUnreachable,
    DbMigrateError,
    Failed,
    LockNotFree,
)
from dbmigrate.domain.standing import DIRECT, Standing, label
from dbmigrate.domain.stats import Stats
from dbmigrate.domain.unfinished import Unfinished

NOT_ALLOWED = "42501"
ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
LOOKS = 5
Committed = Callable[[str, float, int], None]


class Database(RowChecks):
    """A PostgreSQL database that is, or will be, under our care."""

    def __init__(
        self,
        target: Target,
        environment: str,
        limits: Limits | None = None,
        handles: Handles | None = None,
        progress: Report = unseen,
    ) -> None:
        """``progress`` hears, about once a second, how far the work of a run is."""
        self.target = target
        self.environment = environment
        self.limits = limits or Limits()
        self.handles = handles
        self.progress = progress

    @contextlib.contextmanager
    def session(self, application: str = "db-migrate") -> Iterator[Connection]:
        """A connection with limits; what PostgreSQL says outside of revisions becomes one of our errors."""
        with connected(self.target, replace(self.limits, application=application)) as connection:
            try:
                yield connection
            except (DBAPIError, pg8000.dbapi.Error) as error:
                raise self._ours(error, connection) from error

    @contextlib.contextmanager
    def _working(self, run: str) -> Iterator[Connection]:
        """A session that works for a run: it can be cancelled from outside."""
        with (
            self.session(f"db-migrate {run}") as connection,
            reachable(self.handles, run, connection.connection.driver_connection),
        ):
            yield connection

    def _ours(self, error: Exception, connection: Connection) -> DbMigrateError:
        if is_broken(error, connection) or not sqlstate(error):
            return DatabaseUnreachable(
                f"The connection to {self.target.host}:{self.target.port} broke: {said(error)}.",
                "ask the database what is true: db-migrate status",
            )
        if sqlstate(error) in runner.LOCK_CODES:
            connection.rollback()
            holders = lock_holders(connection, str(getattr(error, "statement", "")))
            hint = "wait until the other session ends, then try again"
            return LockNotFree(f"{said(error)}. {holders}", hint)
        hint = "db-migrate status"
        if sqlstate(error) == NOT_ALLOWED:
            hint = (
                "log in as the role that migrates this database; a new one needs: "
                f"GRANT CREATE ON DATABASE {self.target.name} TO {self.target.user}"
            )
        return Failed(f"PostgreSQL refused: {said(error)}.", hint)

    def look(self, before_move: bool = False) -> Standing:
        """Everything that validation and status need to know, as it was at one moment; changes nothing.
        ``before_move`` leaves out what a direct move does not ask for: sizes, the server's speed, and the
        catalog where none was kept to compare it with.

        Raises WrongEnvironment, and Failed when the schema changes each time that it is read.
        """
        with self.session("db-migrate look") as connection:
            for _ in range(LOOKS):
                connection.exec_driver_sql(ONE_MOMENT)
                standing = (_look_before_move if before_move else _look)(connection, self.environment)
                then = catalog.stamp(connection)
                connection.rollback()
                if catalog.stamp(connection) == then:
                    return standing
                connection.rollback()
        raise Failed(
            f"Somebody changed the schema each of the {LOOKS} times that it was read.",
            "wait for that to end (SELECT * FROM pg_stat_activity), then: db-migrate status",
        )

    def stats(self) -> Stats:
        """How large the tables are. Raises WrongEnvironment."""
        with self.session("db-migrate look") as connection:
            ledger.check_environment(connection, self.environment)
            return sizes.stats(connection)

    def current(self) -> tuple[str, ...]:
        """The revisions at which the database stands. Raises WrongEnvironment."""
        with self.session("db-migrate look") as connection:
            ledger.check_environment(connection, self.environment)
            return runner.current(connection)

    def way_of(self, run: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """The current revisions, and the direction in which this run last moved each of its own.

        Raises WrongEnvironment.
        """
        with self.session("db-migrate look") as connection:
            ledger.check_environment(connection, self.environment)
            moved = ledger.moved_by(connection, run) if ledger.exists(connection) else {}
            return runner.current(connection), moved

    def invalid_indexes(self) -> list[str]:
        with self.session("db-migrate look") as connection:
            return catalog.invalid_indexes(connection)

    def runs(self) -> list[dict[str, Any]]:
        """The latest runs of the ledger, newest first."""
        with self.session("db-migrate look") as connection:
            ledger.check_environment(connection, self.environment)
            return ledger.runs(connection) if ledger.exists(connection) else []

    def move(
        self,
        history: History,
        revisions: Sequence[str],
        direction: str,
        run: str,
        facts: Mapping[str, str | None],
        committed: Committed = lambda revision, seconds, lock_waits: None,
        check: Callable[[tuple[str, ...]], None] = lambda current: None,
    ) -> None:
        """Take the lease, then run the revisions; ``check`` hears where the database stands and may refuse.
        A direct run is closed with them when it succeeds.

        Raises RunInProgress, WrongEnvironment and what dbmigrate.adapters.runner.Move raises; WorkContinues
        when the time is over and the same call goes on, RunStopped when somebody stopped the run.
        """

        def line(revision: str, seconds: float, lock_waits: int) -> str:
            digest, bundle = history.revisions[revision].source_digest, str(facts["bundle"])
            applied = ledger.Applied(revision, direction, run, bundle, digest, seconds, lock_waits)
            return ledger.line_of(applied, "" if direct else rows_written.AT_END)

        direct = facts["bundle"] == DIRECT  # nobody verifies that one

        with self._working(run) as connection, only_migrator(connection):
            ledger.check_environment(connection, self.environment)
            ledger.create(connection, self.environment)
            ledger.open_run(connection, run, facts)
            check(runner.current(connection))
            connection.commit()
            if facts["bundle"] != DIRECT:
                marks.leave(connection, run)
            conductor = RunConductor(connection, run, self.limits, self.progress)
            keep = partial(keep_before, connection, history)
            attended = Attended(connection, self.target, conductor, self.handles, keep, line)
            attended.at_begin = "" if direct else rows_written.AT_BEGIN
            runner.Move(connection, history, direction, committed=committed, attended=attended).run(revisions)
            if direct:
                # Before the lock is free: the next direct run takes an open one before it for dead.
                _close(connection, run, "Succeeded", "", remember=True)
                connection.commit()

    def blockers(self, foretold: Foretold) -> list[Blocker]:
        """What is in the way of a revision just now; see dbmigrate.adapters.blockers."""
        with self.session("db-migrate look") as connection:
            return blockers.blockers(connection, foretold)

    def end_sessions(self, run: str, facts: Mapping[str, str | None], found: Sequence[Blocker]) -> list[str]:
        """End these sessions as the run that holds the lease, and write each into the ledger; returns what
        each of those was that had not ended by itself.

        Raises RunInProgress, WrongEnvironment, and Failed where a session may not be ended.
        """
        ended = []
        with self._working(run) as connection, only_migrator(connection):
            ledger.check_environment(connection, self.environment)
            ledger.create(connection, self.environment)
            ledger.open_run(connection, run, facts)
            connection.commit()
            for blocker in found:
                if blockers.end(connection, blocker):
                    ended.append(blocker.text)
                    ledger.note(connection, run, f"Ended {blocker.text}")
                    connection.commit()
        return ended

    def close_run(self, run: str, outcome: str, detail: str, remember: bool) -> float | None:
        """Write the run's end and give the lease back; ``remember`` keeps the catalog as what later drift is
        measured against. Returns the seconds that its revisions took; None when it was not open."""
        with self.session(f"db-migrate {run}") as connection:
            if not ledger.exists(connection):
                return None
            ledger.check_environment(connection, self.environment)
            seconds = _close(connection, run, outcome, detail, remember)
            connection.commit()
            return seconds

    def began(self, run: str) -> str:
        """The moment just before the run's upgrade, for people; "" where it has left no mark."""
        with self.session("db-migrate look") as connection:
            return marks.began(connection, run) if ledger.exists(connection) else ""

    def unfinished(self) -> list[Unfinished]:
        """What a revision that is not recorded yet has begun, oldest first."""
        with self.session("db-migrate look") as connection:
            return unfinished_now(connection)

    def catalog(self) -> Catalog:
        """The catalog as it is now."""
        with self.session("db-migrate look") as connection:
            return catalog.snapshot(connection)

    def empty(self) -> None:
        """Drop every schema with all that is in it, the ledger included; public comes back empty but for the
        extensions that were there before us. Raises WrongEnvironment."""
        with self.session("db-migrate reset") as connection, only_migrator(connection):
            ledger.check_environment(connection, self.environment)
            catalog.drop_everything(connection, ledger.first_extensions(connection))
            connection.commit()


def _close(connection: Connection, run: str, outcome: str, detail: str, remember: bool) -> float | None:
    # Reading the catalog takes longer than anybody who waits for the run's line should have to.
    found = catalog.snapshot(connection) if remember and ledger.is_open(connection, run) else None
    if not ledger.close_run(connection, run, outcome, detail):
        return None
    if found is not None:
        ledger.keep_catalog(connection, label(runner.current(connection)), fingerprint(found), found)
    return ledger.seconds_of(connection, run)


def _look(connection: Connection, environment: str) -> Standing:
    return replace(
        _look_before_move(connection, environment, whole=True),
        sizes=catalog.table_sizes(connection),
        invalid_indexes=catalog.invalid_indexes(connection),
        model=sizes.model(connection),
        fence=fence_tables.told(connection),
        time_zone=connection.exec_driver_sql("SELECT current_setting('TimeZone')").scalar_one(),
    )


def _look_before_move(connection: Connection, environment: str, whole: bool = False) -> Standing:
    ledger.check_environment(connection, environment)
    known = ledger.exists(connection)
    major, version = catalog.server_version(connection)
    kept = ledger.kept_catalog(connection) if known else None
    return Standing(
        current=runner.current(connection),
        catalog=catalog.snapshot(connection) if whole or kept else {},
        kept=kept,
        applied=ledger.standing(connection) if known else {},
        runs=ledger.runs(connection) if known else [],
        sizes={},
        invalid_indexes=[],
        server_major=major,
        server=version,
        own_roles=catalog.owners(connection),
        unfinished=unfinished_now(connection),
    )
