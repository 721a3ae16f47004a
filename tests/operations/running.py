"""Operations on a real server, undisturbed, killed between two steps, or cut off at any statement."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool
from tests.adapters.project import connected, rows

from dbmigrate.adapters import operations
from dbmigrate.adapters.connection import Limits, open_raw, target_from_url
from dbmigrate.domain.progress import Progress

assert operations
Body = Callable[[Any], Any]


class Killed(BaseException):
    """As if the process were gone: no error of ours, and nobody catches it."""


class Watching:
    """A conductor that notes what it is asked; ``at`` is the question that it does not survive."""

    revision = "r1"
    lock_ms = 100

    def __init__(self, at: int = 0, waiting: Callable[[int], Any] = lambda tries: None) -> None:
        self.asked: list[Progress] = []
        self.tries: list[Progress] = []
        self.at = at
        self.waiting = waiting

    def go_on(self, progress: Progress) -> None:
        self.asked.append(progress)
        if len(self.asked) == self.at:
            raise Killed

    def lock_not_free(
        self, tries: int, error: Exception, progress: Progress, connection: Connection, statement: str
    ) -> None:
        self.tries.append(progress)
        self.waiting(tries)


class Cut:
    """Ends the connection at its ``at``-th statement: before the server hears of it, or when it is done."""

    def __init__(self, at: int, before: bool) -> None:
        self.at, self.before = at, before
        self.said: list[str] = []

    def watch(self, raw: Any) -> Any:
        send = raw.execute_simple

        def execute(sql: str) -> Any:
            self.said.append(sql)
            if len(self.said) == self.at and self.before:
                raw._usock.shutdown(2)
            done = send(sql)
            if len(self.said) == self.at and not self.before:
                raw._usock.shutdown(2)
            return done

        raw.execute_simple = execute
        return raw


@contextlib.contextmanager
def session(url: str, watch: Callable[[Any], Any] = lambda raw: raw) -> Iterator[Connection]:
    """A connection as plain Alembic has it, on pg8000."""
    sockets: list[Any] = []

    def connect() -> Any:
        raw = open_raw(target_from_url(url), Limits(application="test"))
        sockets.append(raw._usock)
        return watch(raw)

    engine = create_engine("postgresql+pg8000://", creator=connect, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
        for each in sockets:
            each.close()


def operate(
    url: str, body: Body, conductor: Any = None, watch: Callable[[Any], Any] = lambda raw: raw
) -> None:
    """Run ``body(op)`` as a revision of its own."""
    with session(url, watch) as connection:
        opts = {"transaction_per_migration": True, "conductor": conductor or Watching()}
        context = MigrationContext.configure(connection, opts=opts)
        with context.begin_transaction(_per_migration=True):
            body(Operations(context))


def killed_at_each_question(url: str, afresh: Callable[[], Any], body: Body) -> Iterator[int]:
    """Kill the body at its first question, then (on a fresh table) at its second, and so on; each time run it
    again to its end, and yield."""
    for at in itertools.count(1):
        afresh()
        conductor = Watching(at)
        try:
            operate(url, body, conductor)
        except Killed:
            operate(url, body)
            yield at
        else:
            return


def cut_at_each_statement(url: str, afresh: Callable[[], Any], body: Body, before: bool) -> Iterator[str]:
    """The same with the connection lost at each statement; yields the statement."""
    for at in itertools.count(2):
        afresh()
        cut = Cut(at, before)
        with contextlib.suppress(Exception):
            operate(url, body, None, cut.watch)
        if len(cut.said) < at:
            return
        operate(url, body)
        yield cut.said[at - 1]


def forget(url: str) -> None:
    """Close what the journal has, as a recorded revision does."""
    with connected(url) as other:
        if other.run("SELECT to_regclass('dbmigrate.work')")[0][0]:
            other.run("DELETE FROM dbmigrate.work")


def sql(url: str, *statements: str) -> None:
    """Run as somebody else."""
    with connected(url) as other:
        for statement in statements:
            other.run(statement)


SHAPE = """
SELECT 'column', n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || ' '
       || a.attnotnull || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|info|dbm)'
UNION ALL
SELECT 'constraint', k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid)
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^(pg_|info|dbm)' AND k.contype <> 'n'
UNION ALL
SELECT 'index', i.indrelid::regclass::text, c.relname, i.indisvalid || ' ' || pg_get_indexdef(i.indexrelid)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^(pg_|info|dbm)'
ORDER BY 1, 2, 3
"""


def shape(url: str) -> list[tuple[Any, ...]]:
    """Columns, constraints and indexes, valid or not."""
    return rows(url, SHAPE)
