"""The journal: what a revision has begun and what no recorded revision has closed yet.

A revision of safe operations commits inside, so it can end half-way. Its line in the version table comes
last, in one transaction with the ledger's; until then the journal is what knows how far it is. A row belongs
to the version that the database was at, told apart by the transaction that wrote it (xmin): once a revision
is recorded, up or down, the rows before it are history.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pg8000.native import literal

MARK = "/* db-migrate */ "
"""How our own questions and entries begin: whoever watches a revision's statements leaves them out."""
TABLE = """CREATE TABLE IF NOT EXISTS dbmigrate.work (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision text NOT NULL,
    at text NOT NULL,
    stamp text NOT NULL,
    digest text NOT NULL,
    operation text NOT NULL,
    "table" text NOT NULL,
    name text NOT NULL,
    step text NOT NULL DEFAULT '',
    number integer NOT NULL DEFAULT 0,
    of integer NOT NULL,
    cursor text,
    rows_done bigint,
    rows_total bigint,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    free boolean NOT NULL DEFAULT false,
    finished boolean NOT NULL DEFAULT false,
    UNIQUE (at, stamp, digest))"""
PIECES = """CREATE TABLE IF NOT EXISTS dbmigrate.piece (
    work bigint NOT NULL,
    rows_done bigint NOT NULL,
    cursor text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (work, rows_done))"""
"""Cursors of a batch under way, each a row of its own until the batch is over: beside a transaction that
lives long, every state of one row stays, and whoever looks for the newest meets them all."""
ROW = """SELECT w.id, w.step, w.number, coalesce(p.cursor, w.cursor), coalesce(p.rows_done, w.rows_done),
    w.rows_total, w.free, w.finished, {more} FROM dbmigrate.work w LEFT JOIN LATERAL (
    SELECT * FROM dbmigrate.piece WHERE work = w.id ORDER BY rows_done DESC LIMIT 1) p ON true"""
ORPHANS = "DELETE FROM dbmigrate.piece p WHERE NOT EXISTS (SELECT FROM dbmigrate.work WHERE id = p.work)"
"""Of operations that are history, or whose rows somebody deleted by hand; a new one may get their number."""
Ask = Callable[[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class Entry:
    """One operation's row. ``cursor`` is the operation's own text, such as the last key of a backfill;
    ``free`` says that nothing had the name of what it makes when it began, so what has it now is ours."""

    id: int
    step: str
    number: int
    cursor: str | None
    rows_done: int | None
    rows_total: int | None
    free: bool
    finished: bool
    fresh: bool


@dataclass(frozen=True)
class Version:
    """Where the database stands: the current revisions, as domain.standing.label writes them, and the
    transactions that wrote them."""

    at: str
    stamp: str


class Journal:
    """Writes and reads one revision's rows. ``ask`` runs SQL, each statement in a transaction of its own
    where none is open."""

    def __init__(self, ask: Ask, revision: str, version: Version) -> None:
        self.ask = ask
        self.revision = revision
        self.version = version

    def begin(self, operation: str, table: str, name: str, identity: Mapping[str, Any], of: int) -> Entry:
        """The row of this operation, made when it is not there. ``identity`` tells it from others of the
        revision; an operation that was finished before says so."""
        self._make()
        digest = digest_of(operation, table, identity)
        mine = f"at = {_of(self.version.at)} AND stamp = {_of(self.version.stamp)}"
        self.ask(f"DELETE FROM dbmigrate.work WHERE NOT ({mine}); {ORPHANS}")
        values = (self.revision, self.version.at, self.version.stamp, digest, operation, table, name, of)
        made = self.ask(
            'INSERT INTO dbmigrate.work (revision, at, stamp, digest, operation, "table", name, of) '
            f"VALUES ({', '.join(map(_of, values))}) ON CONFLICT DO NOTHING RETURNING id"
        )
        row = ROW.format(more=_of(bool(made)))
        return Entry(*self.ask(f"{row} WHERE {mine} AND digest = {_of(digest)}")[0])

    def _make(self) -> None:
        if self.ask("SELECT to_regclass('dbmigrate.work')")[0][0] is None:
            # The schema may be there already, and naming it again needs a right that we may not have.
            if not self.ask("SELECT 1 FROM pg_namespace WHERE nspname = 'dbmigrate'"):
                self.ask("CREATE SCHEMA IF NOT EXISTS dbmigrate")
            self.ask(TABLE)
        if self.ask("SELECT to_regclass('dbmigrate.piece')")[0][0] is None:
            self.ask(PIECES)

    def step(self, entry: Entry, number: int, step: str) -> None:
        """The operation is at this step now."""
        self._set(entry, number=number, step=step)

    def claim(self, entry: Entry) -> Entry:
        """The name is free: whatever will have it was made by this operation."""
        self._set(entry, free=True)
        return replace(entry, free=True)

    def start_over(self, entry: Entry) -> Entry:
        """Forget the cursor."""
        forgotten = self._setting(entry, cursor=None, rows_done=None, rows_total=None)
        self.ask(f"DELETE FROM dbmigrate.piece WHERE work = {entry.id}; {forgotten}")  # one transaction
        return replace(entry, cursor=None, rows_done=None, rows_total=None)

    def keep(self, entry: Entry, cursor: str, rows_done: int) -> str:
        """SQL that keeps a cursor in the middle of a batch. For the transaction of the rows that it stands
        for, so that neither is there without the other."""
        values = f"{entry.id}, {rows_done}, {_of(cursor)}"
        return f"INSERT INTO dbmigrate.piece (work, rows_done, cursor) VALUES ({values})"

    def advance(self, entry: Entry, cursor: str, rows_done: int, rows_total: int | None, before: int) -> str:
        """The same at a batch's end; what was kept on the way is not needed any more. ``before`` is rows_done
        at the end of an earlier one."""
        now = self._setting(entry, cursor=cursor, rows_done=rows_done, rows_total=rows_total)
        return f"{now}; DELETE FROM dbmigrate.piece WHERE work = {entry.id} AND rows_done > {before}"

    def again(self, entry: Entry) -> tuple[Entry, float]:
        """The row as it is now, and how many seconds ago it was written."""
        since = "extract(epoch FROM clock_timestamp() - greatest(w.seen_at, p.seen_at))::float8"
        *row, seconds = self.ask(f"{ROW.format(more=f'false, {since}')} WHERE w.id = {entry.id}")[0]
        return Entry(*row), seconds

    def note(self, entry: Entry, cursor: str) -> None:
        """Keep a text of the operation's own that stands for no rows."""
        self._set(entry, cursor=cursor)

    def forget(self, entry: Entry) -> None:
        """Nothing of it is there."""
        self.ask(f"DELETE FROM dbmigrate.work WHERE id = {entry.id}")

    def finish(self, entry: Entry) -> None:
        """Every step is done. The row stays until the revision is recorded, so that nothing is done twice."""
        self._set(entry, finished=True)

    def _set(self, entry: Entry, **values: Any) -> None:
        self.ask(self._setting(entry, **values))

    def _setting(self, entry: Entry, **values: Any) -> str:
        given = ", ".join(f"{name} = {_of(value)}" for name, value in values.items())
        return f"UPDATE dbmigrate.work SET {given}, seen_at = clock_timestamp() WHERE id = {entry.id}"


def digest_of(operation: str, table: str, identity: Mapping[str, Any]) -> str:
    """SHA-256 of what an operation is, the same in every process."""
    text = json.dumps([operation, table, identity], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def version_of(ask: Ask, version_table: str) -> Version:
    """Where the database stands, by Alembic's table."""
    if ask(f"SELECT to_regclass({_of(version_table)})")[0][0] is None:
        return Version("base", "")
    row = ask(
        "SELECT coalesce(string_agg(version_num, ',' ORDER BY version_num), 'base'), "
        f"coalesce(string_agg(xmin::text, ',' ORDER BY version_num), '') FROM {version_table}"
    )[0]
    return Version(str(row[0]), str(row[1]))


def _of(value: Any) -> str:
    return str(literal(value))
