"""One step of a rehearsal: a revision up or down, the catalog as its transaction leaves it, and the tables
whose rows it may have changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from sqlalchemy import Connection

from dbmigrate.adapters import catalog
from dbmigrate.adapters.history import History
from dbmigrate.adapters.login import execute_outside
from dbmigrate.adapters.runner import Move
from dbmigrate.domain.catalog import Catalog, changes_between

# Only a writer or an ACCESS EXCLUSIVE lock changes rows. Counts of earlier transactions may still be there.
TOUCHED = """
SELECT n.nspname || '.' || c.relname
  FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND c.relkind = 'r'
   AND c.relname <> 'alembic_version'
   AND (l.mode = 'AccessExclusiveLock' OR pg_stat_get_xact_tuples_inserted(c.oid)
        + pg_stat_get_xact_tuples_updated(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid) > 0)
 GROUP BY 1"""
# No version tells the next way up from base from this one, and it has everything to do again.
FORGET = (
    "DO $$BEGIN IF to_regclass('dbmigrate.work') IS NOT NULL THEN DELETE FROM dbmigrate.work; END IF; END$$"
)
Around = Callable[[], AbstractContextManager[object]]


class Unlike(Exception):
    """The catalog is not what it was the first time."""


@dataclass(frozen=True)
class Moved:
    """What a step left: the catalog, the tables that it may have changed rows of (None: perhaps all), and
    whether it committed inside."""

    catalog: Catalog
    tables: frozenset[str] | None
    inside: bool

    def touches(self, table: str) -> bool:
        """Whether the table's rows may be others now; by its name after the step."""
        return self.tables is None or table in self.tables


class Steps:
    """Moves one connection's database and follows its catalog; ``whole`` reads all of it each time."""

    def __init__(self, connection: Connection, history: History, whole: bool = False) -> None:
        self.connection = connection
        self.history = history
        self.whole = whole
        self.catalog: Catalog = {}

    def look(self) -> Catalog:
        """Read the whole catalog."""
        self.catalog = catalog.snapshot(self.connection)
        self.connection.commit()
        return self.catalog

    def bare(self, revisions: Sequence[str]) -> None:
        """Upgrade and look at nothing."""
        Move(self.connection, self.history, "upgrade").run(revisions)

    def go(
        self, direction: str, revision: str, around: Around = nullcontext, like: Catalog | None = None
    ) -> Moved:
        """One revision up or down. Raises what Move raises; RevisionFailed caused by Unlike, with everything
        rolled back, when the catalog does not come out like the one given."""
        found: list[Moved] = []

        def record(connection: Connection, revision: str, seconds: float, lock_waits: int) -> None:
            if not move.committed_inside:
                seen = catalog.reread(connection, {} if self.whole else self.catalog, ending=True)
                _refuse_other(direction, like, seen)
                tables = frozenset(connection.exec_driver_sql(TOUCHED).scalars())
                found.append(Moved(seen, tables, inside=False))

        move = Move(self.connection, self.history, direction, record, around=around)
        move.run([revision])
        moved = found[-1] if found else self._after_commits()
        self.catalog = moved.catalog
        if moved.inside:
            _refuse_other(direction, like, moved.catalog)
        return moved

    def begun(self) -> bool:
        """Whether safe operations were at work and their revision did not come to its end."""
        raw = self.connection.connection.driver_connection
        if execute_outside(raw, "SELECT to_regclass('dbmigrate.work')")[0][0] is None:
            return False
        return bool(execute_outside(raw, "SELECT EXISTS (SELECT FROM dbmigrate.work)")[0][0])

    def _after_commits(self) -> Moved:
        execute_outside(self.connection.connection.driver_connection, FORGET)
        return Moved(self.look(), None, inside=True)


def difference(wanted: Catalog, found: Catalog) -> str:
    """The first few objects that differ; "" when there are none."""
    return ", ".join([f"{kind} {name}" for kind, name, _ in changes_between(wanted, found)][:5])


def _refuse_other(direction: str, like: Catalog | None, found: Catalog) -> None:
    names = difference(like, found) if like is not None else ""
    if names:
        way = "downgrade" if direction == "downgrade" else "second upgrade"
        raise Unlike(f"the {way} leaves other objects: {names}")
