"""Rows that satisfy a table's checks: PostgreSQL itself tries the candidates' combinations, in one query for
each group of columns that checks tie together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod

from dbmigrate.adapters.seed_tables import ENOUGH, Column, Table, literal, quoted
from dbmigrate.adapters.seed_values import Values

Row = dict[str, str]  # column to SQL expression
Ask = Callable[[str], list[tuple[int, ...]] | None]  # None where PostgreSQL refuses the query
BUDGETS = (4_000, 60_000)  # combinations
ANSWERS = 300
_VALUE = re.compile(r"\bVALUE\b")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w.'])")
_NUMERIC = ("int2", "int4", "int8", "numeric", "float4", "float8", "oid")
_TEXTUAL = ("text", "varchar", "bpchar", "name", "citext")
_TIMES = ("date", "timestamp", "timestamptz", "time", "timetz")


def plan_rows(table: Table, values: Values, ask: Ask) -> list[Row]:
    """ENOUGH rows, the first with NULL wherever that may be. Checks that nothing satisfies are left to the
    insert, which then fails in PostgreSQL's words."""
    columns = {column.name: column for column in table.columns if not column.generated}
    candidates = {name: values.of(column, name in table.keys) for name, column in columns.items()}
    rows = [
        {
            name: _null(column)
            if row == 0 and _nullable(column, values)
            else candidates[name][row % len(candidates[name])]
            for name, column in columns.items()
        }
        for row in range(ENOUGH)
    ]
    for names, checks in _groups(columns, _checks_of(table, columns, values)):
        tried = {name: _tries(columns[name], candidates[name], checks, values) for name in names}
        for row, found in zip(rows, _solve(tried, checks, ask), strict=False):
            row.update(found)
    return rows


def _null(column: Column) -> str:
    return f"NULL::{column.full}"


def _nullable(column: Column, values: Values) -> bool:
    return not column.not_null and not values.not_null(column.type)


def _checks_of(
    table: Table, columns: Mapping[str, Column], values: Values
) -> list[tuple[frozenset[str], str]]:
    """Each check with the columns that it names: the table's, its partition's bound, its domains'."""
    own = [*table.checks, *([table.bound] if table.bound else [])]
    checks = [(frozenset(name for name in columns if _names(check, name)), check) for check in own]
    for name, column in columns.items():
        for check in values.checks(column.type):
            checks.append((frozenset([name]), _VALUE.sub(quoted(name).replace("\\", "\\\\"), check)))
    return [(names, check) for names, check in checks if names]


def _names(check: str, column: str) -> bool:
    if not re.fullmatch(r"[a-z_][a-z0-9_$]*", column):
        return quoted(column) in check
    return re.search(rf"(?<![\w$]){re.escape(column)}(?![\w$])", _STRING.sub("''", check)) is not None


def _groups(
    columns: Iterable[str], checks: Sequence[tuple[frozenset[str], str]]
) -> list[tuple[list[str], list[str]]]:
    """Columns that share checks, in the table's order, with these checks."""
    order = list(columns)
    groups: list[tuple[set[str], list[str]]] = []
    for names, check in checks:
        joined, together = set(names), [check]
        apart = []
        for group, others in groups:
            if group & joined:
                joined |= group
                together = [*others, *together]
            else:
                apart.append((group, others))
        groups = [*apart, (joined, together)]
    return [(sorted(names, key=order.index), together) for names, together in groups]


def _tries(column: Column, plain: list[str], checks: Sequence[str], values: Values) -> list[str]:
    """The most promising candidates first: what the checks themselves name."""
    base, cast = values.base(column.type), f"::{values.below(column.type)['full']}"
    named: list[str] = []
    for check in checks:
        strings = [text.replace("''", "'") for text in _STRING.findall(check)]
        numbers = _NUMBER.findall(_STRING.sub("''", check)) + [s for s in strings if _NUMBER.fullmatch(s)]
        named += _from_check(base, strings, numbers, cast)
    default = _STRING.match(column.default or "") if base in _TEXTUAL else None
    named += [f"{default[0]}{cast}"] if default else []
    none = [_null(column)] if _nullable(column, values) else []
    return list(dict.fromkeys([*none, *plain[1:3], *named, plain[0], *plain[3:]]))


def _from_check(base: str, strings: list[str], numbers: list[str], cast: str) -> list[str]:
    if base in _NUMERIC:
        around = [(number, 0) for number in numbers] + [
            (number, by) for number in numbers for by in (1, -1, 2)
        ]
        fitting = [f"{float(n) + by:.10g}" if "." in n else str(int(n) + by) for n, by in around]
        return [f"'{text}'{cast}" for text in fitting if base == "numeric" or "." not in text]
    if base in _TIMES:
        times = [text for text in strings if re.match(r"\d\d\d\d-\d|\d\d:", text)]
        step = "1" if base == "date" else "interval '1 hour'"
        moved = [f"({literal(t)}{cast} {sign} {step}){cast}" for t in times for sign in "+-"]
        return [f"{literal(text)}{cast}" for text in times] + moved
    if base in _TEXTUAL:
        lengths = {
            int(n) + by for n in numbers if "." not in n for by in (0, -1, 1) if 0 < int(n) + by <= 500
        }
        filled = [f"{stem * length}" for length in sorted(lengths) for stem in "ab"]
        return [f"{literal(text)}{cast}" for text in [*strings, *filled]]
    return []


def _solve(tried: Mapping[str, list[str]], checks: Sequence[str], ask: Ask) -> list[Row]:
    for budget in BUDGETS:
        shown = _within(tried, budget)
        if found := ask(_query(shown, checks)):
            return _chosen(shown, found)
    return []


def _within(tried: Mapping[str, list[str]], budget: int) -> dict[str, list[str]]:
    """As many candidates for each column as the budget of combinations allows: the longest lists are cut."""
    sizes = {name: len(candidates) for name, candidates in tried.items()}
    while prod(sizes.values()) > budget and max(sizes.values()) > 2:
        longest = max(sizes, key=lambda name: sizes[name])
        sizes[longest] -= 1
    return {name: tried[name][:size] for name, size in sizes.items()}


def _query(tried: Mapping[str, list[str]], checks: Sequence[str]) -> str:
    lists = [
        f"(VALUES {', '.join(f'({row}, {candidate})' for row, candidate in enumerate(candidates))})"
        f" c{number}(i{number}, {quoted(name)})"
        for number, (name, candidates) in enumerate(tried.items())
    ]
    indexes = [f"i{number}" for number in range(len(lists))]
    wanted = " AND ".join(f"({check}) IS NOT FALSE" for check in checks)
    return (
        f"SELECT {', '.join(indexes)} FROM {', '.join(lists)} WHERE {wanted}"
        f" ORDER BY md5(concat_ws(',', {', '.join(indexes)})) LIMIT {ANSWERS}"
    )


def _chosen(tried: Mapping[str, list[str]], found: list[tuple[int, ...]]) -> list[Row]:
    """First the most NULLs, then the fewest, each as unlike those before as can be."""
    named = [
        (sum(answer), {name: tried[name][index] for name, index in zip(tried, answer, strict=True)})
        for answer in found
    ]
    first = min(named, key=lambda one: (-_nulls(one[1]), one[0]))[1]
    chosen = [first]
    for _ in range(ENOUGH - 1):
        chosen.append(min(named, key=lambda one: (_nulls(one[1]), _alike(one[1], chosen), one[0]))[1])
    return chosen


def _nulls(row: Row) -> int:
    return sum(value.startswith("NULL::") for value in row.values())


def _alike(row: Row, others: Sequence[Row]) -> int:
    return sum(row[name] == other[name] for other in others for name in row)
