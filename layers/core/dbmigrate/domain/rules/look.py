"""What most rules ask of a revision's effects, and the words in which they answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dbmigrate.domain import words
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.effects import Act, Effects, Lock, stronger
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import SEVERITIES
from dbmigrate.domain.sizes import Size

WAITING = {
    "SHARE UPDATE EXCLUSIVE": "other schema changes and VACUUM wait",
    "SHARE": "inserts, updates and deletes wait",
    "SHARE ROW EXCLUSIVE": "inserts, updates and deletes wait",
    "EXCLUSIVE": "inserts, updates, deletes and SELECT FOR UPDATE wait",
    "ACCESS EXCLUSIVE": "every query, reading included, waits",
}
# A row chosen by its key: what a scan of a few seeded rows does not tell from a backfill.
BY_KEY = re.compile(
    r"^\s*(?:UPDATE|DELETE|SELECT)\b.*\bWHERE\s+(?:\w+\.)?\"?(\w+)\"?\s*=\s*(?:'[^']*'|%|\d|CAST)",
    re.IGNORECASE | re.DOTALL,
)
UNIQUE_ON = r"CREATE UNIQUE INDEX \S+ ON (?:ONLY )?{table} USING \w+ \({column}\)"


def numbered(facts: Facts) -> Iterator[tuple[int, Effects]]:
    """The statements with their numbers, the first being 1."""
    return enumerate(facts.evidence.statements, 1)


def acts(facts: Facts, *kinds: str) -> Iterator[tuple[int, Effects, Act]]:
    """Acts of these kinds on tables that the application uses today."""
    for number, effects in numbered(facts):
        for act in effects.did(*kinds):
            if facts.exists(act.table):
                yield number, effects, act


def lock_on(effects: Effects, relation: str) -> str | None:
    """The strongest mode in which the transaction holds the relation when the statement is done."""
    found: str | None = None
    for lock in (*effects.held, *effects.locks):
        if lock.relation == relation and (found is None or stronger(lock.mode, found)):
            found = lock.mode
    return found


def takes(effects: Effects, relation: str, mode: str) -> str:
    """``takes SHARE on``, or that an earlier statement has taken the lock."""
    new = any(lock.relation == relation and lock.mode == mode for lock in effects.locks)
    return f"takes {mode} on" if new else f"runs under {mode}, held from before, on"


def stops_writers(mode: str | None) -> bool:
    """Whether the application's writes, at least, wait behind a lock of this mode."""
    return mode is not None and stronger(mode, "SHARE UPDATE EXCLUSIVE")


def stopping(locks: Iterable[Lock]) -> dict[str, str]:
    """Each relation whose writers wait, with the strongest mode."""
    found: dict[str, str] = {}
    for lock in locks:
        if stops_writers(lock.mode) and (
            lock.relation not in found or stronger(lock.mode, found[lock.relation])
        ):
            found[lock.relation] = lock.mode
    return found


def worked_through(facts: Facts, effects: Effects) -> list[str]:
    """The tables of the application that the statement reads in full, rewrites or indexes: it lasts as long
    as they are large."""
    by_key = BY_KEY.match(effects.sql)
    found = [*effects.rewrites, *(table for _, table in effects.builds)]
    found += [table for table in effects.scans if not by_key or not _unique(facts, table, by_key[1])]
    return [table for table in dict.fromkeys(found) if facts.exists(table)]


def _unique(facts: Facts, table: str, column: str) -> bool:
    wanted = re.compile(UNIQUE_ON.format(table=re.escape(table), column=re.escape(column)))
    return any(wanted.match(definition) for definition in facts.before.get("index", {}).values())


def worst(
    facts: Facts,
    tables: Iterable[str],
    large: str = "block",
    small: str = "note",
    statement: int | None = None,
) -> str:
    """The worst severity that one of the tables gives, or ``small`` when the application uses none of
    them."""
    found = [facts.severity(table, large, small, statement) for table in tables if facts.exists(table)]
    return max(found, key=SEVERITIES.index, default=small)


def largest(facts: Facts, tables: Iterable[str]) -> str | None:
    """The largest of the tables that the application uses; one whose size nobody knows counts as that."""
    used = [table for table in tables if facts.exists(table)]
    return max(used, key=lambda table: _bytes(facts, table), default=None)


def _bytes(facts: Facts, table: str) -> float:
    size = facts.sizes.get(table)
    return float("inf") if size is None else size.bytes


def sized(facts: Facts, table: str) -> str:
    """The table's name with its live size: ``public.orders (41 million rows, 12 GB)``."""
    size = facts.sizes.get(table)
    return f"{table} ({extent(size)})" if size is not None else table


def extent(size: Size) -> str:
    """``41 million rows, 12 GB``."""
    return f"{_rows(size.rows)}, {words.size(size.bytes)}" if size.rows else words.size(size.bytes)


def _rows(rows: int) -> str:
    for least, word in ((1_000_000_000, "billion"), (1_000_000, "million")):
        if rows >= least:
            return f"{rows / least:.3g} {word} rows"
    return "1 row" if rows == 1 else f"{rows:,} rows"


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def short(name: str) -> str:
    """The last part of a full name."""
    return name.rpartition(".")[2]


def kind_of(catalog: Catalog, relation: str) -> str:
    """PostgreSQL's letter for it: r table, p partitioned table, m materialized view; "" when unknown."""
    return catalog.get("relation", {}).get(relation, "").split("|")[0]
