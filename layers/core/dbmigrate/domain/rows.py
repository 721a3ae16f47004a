"""Rows before and after: which are gone, and which of their values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

Loss = tuple[str, str | None, int]
"""Table and column as they are called before, None for whole rows; and how many rows."""

_TRUTHS = {"t": "true", "f": "false", "1": "true", "0": "false"}


@dataclass(frozen=True)
class Rows:
    """The rows of one table, as texts; None is NULL.

    ``columns`` are (name, type), ``key`` the names of the primary key, () where there is none. Of a table
    with too many rows ``rows`` is None, and ``digests`` say for each column how many values there are and
    what they are together, whatever their order.
    """

    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    count: int
    rows: tuple[tuple[str | None, ...], ...] | None = ()
    digests: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def types(self) -> dict[str, str]:
        return dict(self.columns)


def lost(
    before: Mapping[str, Rows], after: Mapping[str, Rows], names: Mapping[str, str] | None = None
) -> tuple[Loss, ...]:
    """Rows that are gone, and values that are gone or different, sorted by table and column.

    Rows are told apart by their primary key; without one, or when the keys themselves were changed, each
    column's values are compared as a multiset. What was NULL and holds a value now is no loss, nor are more
    rows. Where a type changed, values that mean the same are the same. Of a table with too many rows a
    changed column counts as one row, unless the number of its values tells more. ``names`` leads from full
    names before (schema.table, schema.table.column) to those after.
    """
    found: list[Loss] = []
    for table in sorted(before):
        given, new_name = before[table], (names or {}).get(table, table)
        left = after.get(new_name)
        if left is None:
            found += [(table, None, given.count)] if given.count else []
            continue
        pairs = _pairs(table, new_name, given, left, names or {})
        if given.rows is None or left.rows is None:
            found += _by_digest(table, given, left, pairs)
        else:
            found += _by_row(table, given, left, pairs)
    return tuple(found)


def _pairs(
    table: str, new_name: str, before: Rows, after: Rows, names: Mapping[str, str]
) -> dict[str, str | None]:
    """Each column's name afterwards, None where it is gone."""
    there = after.types
    found: dict[str, str | None] = {}
    for column in before.types:
        full = names.get(f"{table}.{column}") or names.get(f"{new_name}.{column}") or ""
        renamed = next((full[len(t) + 1 :] for t in (new_name, table) if full.startswith(f"{t}.")), column)
        found[column] = renamed if renamed in there else None
    taken = Counter(found.values())
    for column, now in found.items():  # another column bears the name now
        if now == column and taken[now] > 1:
            found[column] = None
    return found


def _by_digest(table: str, before: Rows, after: Rows, pairs: Mapping[str, str | None]) -> list[Loss]:
    gone = max(0, before.count - after.count)
    found: list[Loss] = [(table, None, gone)] if gone else []
    for column, now in sorted(pairs.items()):
        values, digest = _digest(before, column)
        if now is None:
            fewer = values
        else:
            left, other = _digest(after, now)
            comparable = before.types[column] == after.types[now] and None not in (digest, other)
            differs = comparable and before.count == after.count and values == left and digest != other
            fewer = max(0, values - left - gone) or int(differs)
        found += [(table, column, fewer)] if fewer else []
    return found


def _digest(rows: Rows, column: str) -> tuple[int, str | None]:
    if rows.rows is None:
        return rows.digests[column]
    return sum(value is not None for value in _column(rows.rows, rows, column)), None


def _by_row(table: str, before: Rows, after: Rows, pairs: Mapping[str, str | None]) -> list[Loss]:
    canonical = {
        column: _how(before.types[column], after.types.get(now or "")) for column, now in pairs.items()
    }
    matched, rest_before, rest_after = _match(before, after, pairs, canonical)
    gone = max(0, len(rest_before) - len(rest_after))
    found: list[Loss] = [(table, None, gone)] if gone else []
    for column, now in sorted(pairs.items()):
        at = _at(before, column)
        if now is None:
            rows = sum(row[at] is not None for row, _ in matched) + sum(
                r[at] is not None for r in rest_before
            )
        else:
            to, same = _at(after, now), canonical[column]
            rows = sum(row[at] is not None and same(row[at]) != same(other[to]) for row, other in matched)
            missing = _count(same, rest_before, at) - _count(same, rest_after, to)
            rows += max(0, missing.total() - gone)
        found += [(table, column, rows)] if rows else []
    return found


Row = tuple[str | None, ...]


def _match(
    before: Rows, after: Rows, pairs: Mapping[str, str | None], canonical: Mapping[str, _Same]
) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """Rows with the same primary key, and those of either side that have no partner."""
    new_key = [pairs[column] for column in before.key]
    keyed = before.key and None not in new_key
    if not keyed:
        return [], list(before.rows or ()), list(after.rows or ())
    ours = [(_at(before, column), canonical[column]) for column in before.key]
    theirs = [(_at(after, str(now)), canonical[was]) for was, now in zip(before.key, new_key, strict=True)]
    there = {tuple(same(row[at]) for at, same in theirs): row for row in after.rows or ()}
    matched, alone = [], []
    for row in before.rows or ():
        partner = there.pop(tuple(same(row[at]) for at, same in ours), None)
        if partner is None:
            alone.append(row)
        else:
            matched.append((row, partner))
    return matched, alone, list(there.values())


def _count(same: _Same, rows: Iterable[Row], at: int) -> Counter[str | None]:
    return Counter(same(row[at]) for row in rows if row[at] is not None)


def _at(rows: Rows, column: str) -> int:
    return [name for name, _ in rows.columns].index(column)


def _column(values: Sequence[Row], rows: Rows, column: str) -> list[str | None]:
    at = _at(rows, column)
    return [row[at] for row in values]


class _Same:
    """What a value means: itself where the type is the same, else the number, moment or document it is."""

    def __init__(self, strict: bool, truth: bool) -> None:
        self.strict = strict
        self.truth = truth

    def __call__(self, value: str | None) -> str | None:
        return value if value is None or self.strict else meaning(value, self.truth)


def _how(before: str, after: str | None) -> _Same:
    return _Same(before == after or after is None, "boolean" in (before, after))


def meaning(value: str, truth: bool = False) -> str:
    """The same text for values that mean the same: ``1.50`` and ``1.5``, with and without ``+00``, JSON with
    other spaces; with ``truth`` also ``t`` and ``1``."""
    if truth and value.lower() in {*_TRUTHS, "true", "false"}:
        return _TRUTHS.get(value.lower(), value.lower())
    try:
        number = Decimal(value)
        return f"{number.normalize():f}" if number.is_finite() else value
    except InvalidOperation:
        pass
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        pass
    try:
        return json.dumps(json.loads(value), sort_keys=True)
    except ValueError:
        return value.rstrip()
