"""The rows of a rehearsal's tables: what they are before a revision, what became of them, and new seeds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from dbmigrate.adapters.seeding import fill, rows_of
from dbmigrate.adapters.tracer_mirror import Relation
from dbmigrate.domain.rows import Loss, Rows, lost

Relations = Mapping[int, Relation]


@dataclass(frozen=True)
class Names:
    """What tables and columns are called after a revision, and which of them are gone."""

    renamed: Mapping[str, str]
    drops: tuple[str, ...]
    gone: frozenset[str]

    def now(self, name: str) -> str:
        return self.renamed.get(name, name)


def names_after(before: Relations, after: Relations) -> Names:
    """Follow tables by OID and columns by number; a table with all its columns gone is named once."""
    renamed, columns, tables = {}, [], []
    for oid, old in before.items():
        new = after.get(oid)
        if old.kind not in ("r", "p"):
            continue
        if new is None:
            tables.append(old.name)
            continue
        if new.name != old.name:
            renamed[old.name] = new.name
        for number, column in old.columns.items():
            left, name = new.columns.get(number), f"{old.name}.{column.name}"
            if left is None:
                columns.append(name)
            elif left.name != column.name:
                renamed[name] = f"{new.name}.{left.name}"
    return Names(renamed, tuple(sorted(tables)) + tuple(sorted(columns)), frozenset(tables))


class Keeper:
    """The rows of all plain tables as they were read last; only touched ones are read again."""

    def __init__(self, connection: Connection, seeds: bool) -> None:
        self.connection = connection
        self.seeds = seeds
        self.rows: dict[str, Rows] = {}
        self._refused: set[str] = set()

    @property
    def empty(self) -> set[str]:
        """The tables without a row."""
        return {table for table, rows in self.rows.items() if rows.count == 0}

    def start(self, tables: Iterable[str]) -> None:
        """Read all of these and fill the empty ones."""
        self.rows = self.read(tables)
        self._refused = set()
        self.fill()

    def read(self, tables: Iterable[str]) -> dict[str, Rows]:
        """The rows as they are now; nothing is kept."""
        wanted = set(tables)
        if not self.seeds or not wanted:
            return {}
        found = rows_of(self.connection, wanted)
        self.connection.commit()
        return found

    def lost(
        self, tables: Collection[str], now: Mapping[str, Rows], names: Names | None = None
    ) -> tuple[Loss, ...]:
        """What is missing of the kept rows of these tables."""
        kept = {table: self.rows[table] for table in tables if table in self.rows}
        return tuple(lost(kept, now, names.renamed if names else {}))

    def follow(self, names: Names, tables: Iterable[str], touched: Iterable[str]) -> None:
        """Keep what is there after a revision: ``tables``, of which only the touched and new are read."""
        kept = {names.now(table): rows for table, rows in self.rows.items() if table not in names.gone}
        there = set(tables)
        stale = there & {*touched} | there - kept.keys()
        self.rows = {table: rows for table, rows in kept.items() if table in there}
        if stale:
            self.rows.update(self.read(stale))
            self._refused -= stale
            self.fill()

    def fill(self) -> None:
        """Seed the empty tables, as far as it can be done."""
        wanted = self.empty - self._refused
        if not self.seeds or not wanted:
            return
        done = fill(self.connection, self.empty)
        self.connection.commit()
        self._refused = {table for table, _ in done.empty}
        self.rows.update(self.read(done.filled))

    def clear(self, tables: Iterable[str]) -> set[str]:
        """Empty these tables and whatever refers to them; returns those that had rows."""
        named = ", ".join(_quoted(table) for table in sorted(tables))
        self.connection.exec_driver_sql(f"TRUNCATE {named} CASCADE")
        self.connection.commit()
        had = {table for table, rows in self.rows.items() if rows.count}
        self.rows.update(self.read(had))
        return had & self.empty


def _quoted(table: str) -> str:
    schema, _, name = table.partition(".")
    return ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))
