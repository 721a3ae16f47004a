"""What the catalog says of a long statement that was begun before: done, half done, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from pg8000.native import literal

from dbmigrate.adapters.long_forms import Long, folded

Ask = Callable[[str], Sequence[Sequence[Any]]]
LEFTOVER = r"_cc(new|old)\d*$"
"""What PostgreSQL calls the indexes that REINDEX CONCURRENTLY builds and replaces."""


def index_of(ask: Ask, form: Long) -> tuple[str, bool] | None:
    """The index that CREATE or DROP names: its qualified name and whether it is valid; None when absent."""
    if form.table:
        where = (
            f"t.oid = to_regclass({literal(form.table)}) AND c.relname = {literal(folded(form.name))} "
            "AND c.relnamespace = t.relnamespace"
        )
        rows = ask(f"{INDEX} CROSS JOIN pg_class t WHERE {where}")
    else:
        rows = ask(f"{INDEX} WHERE c.oid = to_regclass({literal(form.name)})")
    return (str(rows[0][0]), bool(rows[0][1])) if rows else None


INDEX = """SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), coalesce(i.indisvalid, true)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_index i ON i.indexrelid = c.oid"""


def is_temporary(ask: Ask, form: Long) -> bool:
    """Whether only our own session sees what the statement works on."""
    of = literal(form.table or form.name)
    return bool(ask(f"SELECT 1 FROM pg_class WHERE oid = to_regclass({of}) AND relpersistence = 't'"))


def indexes_of(ask: Ask, form: Long) -> dict[str, int]:
    """The indexes that a REINDEX rebuilds, with their numbers, which change when it has."""
    rows = ask(f"SELECT {REINDEXED} AND indisvalid{_below(form)}")
    return {str(name): int(oid) for name, oid in rows}


def leftovers_of(ask: Ask, form: Long) -> list[str]:
    """What an interrupted REINDEX CONCURRENTLY leaves: invalid indexes with PostgreSQL's own endings."""
    rows = ask(f"SELECT {REINDEXED} AND NOT indisvalid AND c.relname ~ '{LEFTOVER}'{_below(form)}")
    return [str(name) for name, _ in rows]


REINDEXED = """quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.oid::bigint
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast')"""


def _below(form: Long) -> str:
    if form.what == "SCHEMA":
        return f" AND n.nspname = {literal(folded(form.name))}"
    if form.what not in ("INDEX", "TABLE"):
        return ""
    named = f"to_regclass({literal(form.name)})"
    return f" AND i.indrelid = coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = {named}), {named})"


def was_reindexed(ask: Ask, form: Long, before: str | None) -> bool:
    """Whether every index that it rebuilds is another one than before it began."""
    then: dict[str, int] = json.loads(before or "{}").get("oids", {})
    now = indexes_of(ask, form)
    mine = {form.name.rpartition(".")[2]} if form.what == "INDEX" else set()
    names = [name for name in then if not mine or folded(name.rpartition(".")[2]) in map(folded, mine)]
    return bool(names) and all(name in now and now[name] != then[name] for name in names)


def partition_of(ask: Ask, form: Long) -> str:
    """attached, pending (detached for new transactions, waiting for the old ones), or detached."""
    rows = ask(
        f"SELECT inhdetachpending FROM pg_inherits WHERE inhparent = to_regclass({literal(form.table)}) "
        f"AND inhrelid = to_regclass({literal(form.name)})"
    )
    if not rows:
        return "detached"
    return "pending" if rows[0][0] else "attached"
