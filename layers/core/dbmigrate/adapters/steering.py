"""Reaches into a run from outside: through a connection where one can be had, by CancelRequest where not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text

from dbmigrate.adapters import ledger
from dbmigrate.adapters.cancel import send_cancel
from dbmigrate.adapters.connection import Limits, Target
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.handles import Handles
from dbmigrate.domain.errors import DbMigrateError

# A run's sessions bear its name, some with a word behind it; PostgreSQL keeps 63 bytes of a name.
OF_RUN = """datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND (application_name = left(:name, 63) OR starts_with(application_name, left(:name || ' ', 63)))"""
STOPPED = """
UPDATE dbmigrate.run
   SET ended_at = coalesce(ended_at, clock_timestamp()), outcome = 'Stopped', detail = :detail
 WHERE name = :name
   AND (ended_at IS NULL OR outcome NOT IN ('Succeeded', 'RolledBack', 'Stopped')
                            AND ended_at > clock_timestamp() - make_interval(secs => :seconds))"""


class Steering:
    """Of the runs on one database."""

    def __init__(self, database: Database, handles: Handles) -> None:
        self._database, self._handles = database, handles

    @contextlib.contextmanager
    def inside(self) -> Iterator[Inside]:
        """One connection for everything that is to do, kept: another might not be had any more.

        Raises NoConnectionFree, and what every login raises.
        """
        target, limits = self._database.target, self._database.limits
        with self._database.session("db-migrate steer") as connection:
            yield Inside(target, self._database.environment, limits, connection)

    def cancel_from_outside(self, run: str) -> int:
        """Cancel what the sessions of the run do, without a login; how many were asked. What cannot be
        reached is asked again by whoever calls again."""
        handles = self._handles.all(run)
        for handle in handles:
            with contextlib.suppress(DbMigrateError):
                send_cancel(self._database.target, handle)
        return len(handles)


class Inside(Database):
    """The database over one connection that is kept."""

    def __init__(self, target: Target, environment: str, limits: Limits, connection: Connection) -> None:
        super().__init__(target, environment, limits)
        self._connection = connection

    @contextlib.contextmanager
    def session(self, application: str = "db-migrate") -> Iterator[Connection]:
        """The same connection every time; nothing is open on it before and after."""
        self._connection.rollback()
        try:
            yield self._connection
        finally:
            if not self._connection.invalidated:
                self._connection.rollback()

    def wish(self, run: str, wish: str | None, by: str) -> bool:
        """Keep what somebody wishes of a run. Returns whether the run is open and heard it. Raises
        WrongEnvironment."""
        with self.session() as connection:
            ledger.check_environment(connection, self.environment)
            heard = ledger.exists(connection) and ledger.set_wish(connection, run, wish, by)
            connection.commit()
            return heard

    def cancel(self, run: str, force: bool) -> int:
        """Cancel what the run's sessions do, or with ``force`` end them; how many there are yet."""
        function = "pg_terminate_backend" if force else "pg_cancel_backend"
        asked = f"SELECT count({function}(pid)) FROM pg_stat_activity WHERE {OF_RUN}"
        with self.session() as connection:
            return int(connection.execute(text(asked), {"name": f"db-migrate {run}"}).scalar_one())

    def close_stopped(self, run: str, detail: str, seconds: float) -> bool:
        """Write that the run was stopped and give its lease back. One that ended within these seconds by
        what we cancelled has been stopped, whatever it took that for. Returns whether it was."""
        with self.session() as connection:
            if not ledger.exists(connection):
                return False
            facts = {"name": run, "detail": detail, "seconds": seconds}
            done = connection.execute(text(STOPPED), facts).rowcount
            connection.commit()
            return done == 1

    def known(self, run: str) -> dict[str, Any] | None:
        """The ledger's line of the run."""
        return next((line for line in self.runs() if line["run"] == run), None)
