"""Seeds: a few rows in every empty table, so that a rehearsal shows what a revision does to rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.login import facts_of
from dbmigrate.adapters.seed_checks import Row, plan_rows
from dbmigrate.adapters.seed_links import Links, Order, Unfillable, in_order
from dbmigrate.adapters.seed_rows import rows_of
from dbmigrate.adapters.seed_tables import ENOUGH, Link, Schema, Table, literal, quoted, read_schema
from dbmigrate.adapters.seed_values import Values

__all__ = ["Seeded", "fill", "rows_of"]

# Triggers would refuse, or write more rows with clocks and sequences in them; keys are right by construction.
_SETTINGS = {
    "session_replication_role": "replica",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "lc_monetary": "C",
    "standard_conforming_strings": "on",
    "statement_timeout": "10s",
}
FOR_THE_FEW = ("session_replication_role", "lc_monetary")  # superusers, and whom they let
_SAVEPOINT = "db_migrate_seed"


@dataclass(frozen=True)
class Seeded:
    """The tables that got rows, and those that have none, with the reason in PostgreSQL's words where it is
    PostgreSQL's."""

    filled: tuple[str, ...] = ()
    empty: tuple[tuple[str, str], ...] = ()


def fill(connection: Connection, tables: Iterable[str] | None = None) -> Seeded:
    """Put rows into the empty ones of these tables (full names), or of all but those of the system, the
    ledger and Alembic. The same schema always gets the same rows.

    Works in the caller's transaction, which it neither ends nor breaks, and leaves its settings as they were.
    """
    with _settings(connection, {"search_path": "", "jit": "off"}):
        schema = read_schema(connection, tables)
    with _settings(connection, _SETTINGS) as had:
        return _Filling(connection, schema, "session_replication_role" in had).run()


@dataclass
class _Filling:
    connection: Connection
    schema: Schema
    unchecked: bool  # whether PostgreSQL looks away from foreign keys
    filled: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)
    plans: dict[int, list[Row]] = field(default_factory=dict)
    answers: dict[str, list[tuple[int, ...]] | None] = field(default_factory=dict)

    def run(self) -> Seeded:
        order = in_order(self.schema)
        if order.promised and not self.unchecked:
            self.connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")
        values = Values(self.schema.types)
        promising = {link.to for _, link in order.promised}
        for oid in promising:
            self.plans[oid] = _literals(self.schema.tables[oid], self._plan(self.schema.tables[oid], values))
        links = Links(order, self.schema.rows, self.plans)
        for table in order.tables:
            self._fill(table, values, links)
        self._settle(order)
        names = {oid: table.name for oid, table in self.schema.tables.items()}
        empty = sorted((names[oid], reason) for oid, reason in self.reasons.items())
        return Seeded(tuple(sorted(names[oid] for oid in self.filled)), tuple(empty))

    def _fill(self, table: Table, values: Values, links: Links) -> None:
        if not table.readable:
            self.reasons[table.oid] = f"permission denied for table {table.name}"
            return
        parts = [part for part in self.schema.tables.values() if part.parent == table.oid]
        if any(part.oid in self.filled for part in parts):
            self.schema.rows[table.oid] = ENOUGH
            self.filled.add(table.oid)
        elif not self.schema.rows[table.oid]:
            self._insert(table, self._plan(table, values), links)

    def _plan(self, table: Table, values: Values) -> list[Row]:
        return plan_rows(table, values, self._ask)

    def _ask(self, query: str) -> list[tuple[int, ...]] | None:
        if query not in self.answers:
            self.answers[query] = None
            with contextlib.suppress(DBAPIError):
                self.answers[query] = [tuple(row) for row in _apart(self.connection, query)]
        return self.answers[query]

    def _insert(self, table: Table, planned: list[Row], links: Links) -> None:
        """All rows at once, else as many as can be one by one."""
        try:
            rows: list[Row] = []
            for number, row in enumerate(planned):
                rows.append(links.resolve(table, row, number, rows))
            there = self._send(table, rows)
        except (DBAPIError, Unfillable) as refused:
            there = self._one_by_one(table, planned, links)
            if not there:
                self.reasons[table.oid] = _words(refused)
                return
        self.filled.add(table.oid)
        self.schema.rows[table.oid] = there

    def _one_by_one(self, table: Table, planned: list[Row], links: Links) -> int:
        rows: list[Row] = []
        there = 0
        for number, row in enumerate(planned):
            with contextlib.suppress(DBAPIError, Unfillable):
                made = links.resolve(table, row, number, rows)
                there = self._send(table, [made])
                rows.append(made)
        return there

    def _send(self, table: Table, rows: list[Row]) -> int:
        """How many rows are there afterwards, ENOUGH at most. Raises Unfillable where there is none."""
        names = list(rows[0])
        lists = ", ".join(f"({', '.join(row[name] for name in names)})" for row in rows)
        what = f"({', '.join(map(quoted, names))}) OVERRIDING SYSTEM VALUE VALUES {lists}"
        insert = f"INSERT INTO {table.sql} {what if names else 'DEFAULT VALUES'}"
        count = f"SELECT count(*)::int FROM (SELECT FROM {table.source} LIMIT {ENOUGH}) x"
        ((there,),) = _apart(self.connection, f"{insert}; {count}")
        if not there:
            raise Unfillable("a rule or a trigger keeps the rows out")
        return int(there)

    def _settle(self, order: Order) -> None:
        """Fill in the keys that close a circle, and take out rows whose promised partner did not come."""
        for table, link in order.late:
            if table.oid in self.filled and self.schema.rows.get(link.to):
                with contextlib.suppress(DBAPIError):
                    _apart(self.connection, _late(table, link))
        gone = [
            table
            for table, link in order.promised
            if table.oid in self.filled and self._orphaned(table, link)
        ]
        while gone:
            for table in gone:
                self._take_out(table)
            gone = [
                table
                for table in self.schema.tables.values()
                if table.oid in self.filled and any(link.to in self.reasons for link in table.links)
            ]
        if order.promised and not self.unchecked:
            self.connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    def _orphaned(self, table: Table, link: Link) -> bool:
        query = _orphans(table, link)
        return bool(self.connection.exec_driver_sql(query).scalar())

    def _take_out(self, table: Table) -> None:
        self.connection.exec_driver_sql(f"DELETE FROM {table.sql}")
        self.filled.discard(table.oid)
        self.schema.rows[table.oid] = 0
        self.reasons[table.oid] = "a table that it refers to in a circle stays empty"


def _apart(connection: Connection, statements: str) -> list[Any]:
    """The rows of these statements; what fails is undone, and the transaction goes on."""
    try:
        done = connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}; {statements}; RELEASE {_SAVEPOINT}")
        return list(done) if done.returns_rows else []
    except DBAPIError:
        connection.exec_driver_sql(f"ROLLBACK TO {_SAVEPOINT}; RELEASE {_SAVEPOINT}")
        raise


@contextlib.contextmanager
def _settings(connection: Connection, wanted: dict[str, str]) -> Iterator[dict[str, str]]:
    """These settings for the rest of the block, as far as the role may set them; yields what they were."""
    had: dict[str, str] = {}
    for together in (list(wanted), [name for name in wanted if name not in FOR_THE_FEW]):
        asked = ", ".join(
            f"current_setting('{name}'), set_config('{name}', '{wanted[name]}', true)" for name in together
        )
        with contextlib.suppress(DBAPIError):
            (found,) = _apart(connection, f"SELECT {asked}")
            had = dict(zip(together, found[::2], strict=True))
            break
    yield had
    back = ", ".join(f"set_config('{name}', {literal(value)}, true)" for name, value in had.items())
    connection.exec_driver_sql(f"SELECT {back}")


def _literals(table: Table, planned: list[Row]) -> list[Row]:
    """The planned rows without what foreign keys will change."""
    linked = {name for link in table.links for name in link.columns}
    return [{name: value for name, value in row.items() if name not in linked} for row in planned]


def _late(table: Table, link: Link) -> str:
    names = ", ".join(map(quoted, link.columns))
    refers = ", ".join(f"p.{quoted(name)}" for name in link.refers)
    last = f"SELECT ctid FROM {table.source} ORDER BY ctid DESC LIMIT 1"
    row = f"(SELECT {refers} FROM {link.source} p ORDER BY {refers} LIMIT 1)"
    return f"UPDATE {table.source} SET ({names}) = {row} WHERE ctid = ({last})"


def _orphans(table: Table, link: Link) -> str:
    joined = " AND ".join(
        f"p.{quoted(refers)} = t.{quoted(mine)}"
        for mine, refers in zip(link.columns, link.refers, strict=True)
    )
    known = " AND ".join(f"t.{quoted(mine)} IS NOT NULL" for mine in link.columns)
    missing = f"NOT EXISTS (SELECT FROM {link.source} p WHERE {joined})"
    return f"SELECT EXISTS (SELECT FROM {table.source} t WHERE {known} AND {missing})"


def _words(refused: BaseException) -> str:
    return facts_of(getattr(refused, "orig", refused)).get("M", str(refused))
