"""Foreign keys of seeds: in which order tables are filled, and which row each row names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dbmigrate.adapters.seed_checks import Row
from dbmigrate.adapters.seed_tables import Link, Schema, Table, quoted


class Unfillable(Exception):
    """A row that must name one of another table finds none there."""


@dataclass
class Order:
    """The tables, those referenced first. ``late`` keys close a circle and are filled in afterwards,
    ``promised`` ones name rows that come later."""

    tables: list[Table] = field(default_factory=list)
    late: list[tuple[Table, Link]] = field(default_factory=list)
    promised: list[tuple[Table, Link]] = field(default_factory=list)


def in_order(schema: Schema) -> Order:
    """Every table, after those that it refers to and after its partitions."""
    order, done = Order(), set[int]()
    todo = sorted(schema.tables.values(), key=lambda table: table.name)
    parts: dict[int, set[int]] = {}
    for table in todo:
        parts.setdefault(table.parent or 0, set()).add(table.oid)
    while todo:
        ready = [table for table in todo if not _waits(table, schema, parts, done)]
        if not ready:
            ready = [min(todo, key=lambda table: (not _breakable(table, schema, done), table.name))]
            _break(ready[0], schema, done, order)
        order.tables += ready
        done |= {table.oid for table in ready}
        todo = [table for table in todo if table.oid not in done]
    return order


@dataclass(frozen=True)
class Links:
    """Which rows the foreign keys name. ``rows`` says how many rows the tables have by now, ``plans`` which
    are to come."""

    order: Order
    rows: Mapping[int, int]
    plans: Mapping[int, list[Row]]

    def resolve(self, table: Table, row: Row, number: int, before: Sequence[Row]) -> Row:
        """The table's row of this number with values in its foreign keys; ``before`` are those above it.

        Raises Unfillable.
        """
        made, settled = dict(row), set[str]()
        for link in table.links:
            columns = [name for name in link.columns if name in made]
            nullable = [name for name in columns if not _must(table, name)]
            if link.full and any(_is_null(made[name]) for name in nullable):
                made.update({name: _null(table, name) for name in nullable})
            if any(_is_null(made[name]) for name in columns):
                continue
            found = self._value(table, link, made, settled, (number, before))
            if found is None:
                if not nullable:
                    raise Unfillable(f'no row of {link.to_name} for foreign key "{link.name}" to name')
                found = {name: _null(table, name) for name in (nullable if link.full else nullable[:1])}
            made.update(found)
            settled |= set(columns)
        return made

    def _value(
        self, table: Table, link: Link, made: Row, settled: set[str], place: tuple[int, Sequence[Row]]
    ) -> Row | None:
        number, before = place
        pairs = {mine: refers for mine, refers in _pairs(link).items() if mine not in settled}
        if link.to == table.oid:
            return _own(table, link, made, settled, before)
        if (table, link) in self.order.late:
            return None
        if (table, link) in self.order.promised:
            planned = self.plans.get(link.to, [])
            wanted = planned[number] if number < len(planned) else {}
            return _read(pairs, wanted)
        rows = self.rows.get(link.to, 0)
        return (
            {name: _pick(table, link, name, made, settled, number % rows) for name in pairs} if rows else None
        )


def _pairs(link: Link) -> dict[str, str]:
    return dict(zip(link.columns, link.refers, strict=True))


def _read(pairs: Mapping[str, str], row: Row) -> Row | None:
    return {mine: row[refers] for mine, refers in pairs.items()} if set(pairs.values()) <= set(row) else None


def _own(table: Table, link: Link, made: Row, settled: set[str], before: Sequence[Row]) -> Row | None:
    """A row of the same table: the one above, for a circle would send a recursive query round for ever."""
    if before and not settled & set(link.columns):
        return _read(_pairs(link), before[-1])
    moving = [mine for mine, refers in _pairs(link).items() if mine != refers]
    itself = {mine: refers for mine, refers in _pairs(link).items() if mine in moving}
    return None if any(not _must(table, name) for name in moving) else _read(itself, made)


def _pick(table: Table, link: Link, name: str, made: Row, settled: set[str], offset: int) -> str:
    """The expression that reads one referenced column, of a row that suits what is settled already and the
    other keys over the same columns."""
    pairs = _pairs(link)
    known = [f"p.{quoted(pairs[mine])} = {made[mine]}" for mine in link.columns if mine in settled]
    wanted = [*known, *_shared(table, link)]
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    sort = ", ".join(f"p.{quoted(refers)}" for refers in link.refers)
    skip = "" if known else f" OFFSET {offset}"
    return f"(SELECT p.{quoted(pairs[name])} FROM {link.source} p{where} ORDER BY {sort} LIMIT 1{skip})"


def _shared(table: Table, link: Link) -> list[str]:
    pairs, found = _pairs(link), []
    for other in table.links:
        if other is not link and other.to != table.oid and set(other.columns) == set(link.columns):
            joined = (
                f"o.{quoted(refers)} = p.{quoted(pairs[mine])}" for mine, refers in _pairs(other).items()
            )
            found.append(f"EXISTS (SELECT FROM {other.source} o WHERE {' AND '.join(joined)})")
    return found


def _waits(table: Table, schema: Schema, parts: Mapping[int, set[int]], done: set[int]) -> bool:
    return bool(parts.get(table.oid, set()) - done) or bool(_open(table, schema, done))


def _open(table: Table, schema: Schema, done: set[int]) -> list[Link]:
    return [
        link
        for link in table.links
        if link.to != table.oid and link.to in schema.tables and link.to not in done
    ]


def _breakable(table: Table, schema: Schema, done: set[int]) -> bool:
    return all(_can_be_null(table, link) for link in _open(table, schema, done))


def _break(table: Table, schema: Schema, done: set[int], order: Order) -> None:
    for link in _open(table, schema, done):
        (order.late if _can_be_null(table, link) else order.promised).append((table, link))


def _can_be_null(table: Table, link: Link) -> bool:
    free = [name for name in link.columns if not _must(table, name)]
    return len(free) == len(link.columns) if link.full else bool(free)


def _must(table: Table, name: str) -> bool:
    return next(
        (column.not_null or column.generated for column in table.columns if column.name == name), True
    )


def _null(table: Table, name: str) -> str:
    return next(f"NULL::{column.full}" for column in table.columns if column.name == name)


def _is_null(expression: str) -> bool:
    return expression.startswith("NULL::")
