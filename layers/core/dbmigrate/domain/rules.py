"""The basic rules: what the catalog's changes and the executed SQL show. docs/rules.md has a page for
each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dbmigrate.domain.findings import Check, Facts, Rule
from dbmigrate.domain.impact import ON_TABLE

SMALL_BYTES = 10 * 1024 * 1024
RULES: dict[str, Rule] = {}


def rule(id: str, title: str, instead: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        RULES[id] = Rule(id, title, instead, check)
        return check

    return register


def _large(facts: Facts, table: str) -> bool:
    size = facts.size(table)
    return size is not None and size >= SMALL_BYTES


@rule(
    "DM101", "data is gone for good", "stop reading it first, release, then drop it in a revision of its own"
)
def data_is_dropped(facts: Facts) -> Iterator[tuple[str, str]]:
    for name in facts.evidence.drops:
        if name in facts.existing_tables or name.rpartition(".")[0] in facts.existing_tables:
            yield (
                "review",
                f"{name} is dropped; a downgrade makes it again without its values, and old code may still read it.",
            )


@rule(
    "DM102",
    "no way back",
    "write a downgrade that makes the same catalog again, or say in the docstring why there is none",
)
def no_way_back(facts: Facts) -> Iterator[tuple[str, str]]:
    if not facts.evidence.round_trip:
        yield "review", f"up, down and up again did not come out the same: {facts.evidence.round_trip_error}."


@rule(
    "DM103",
    "a statement outside of the transaction goes with others",
    "keep autocommit_block alone in its revision",
)
def autocommit_with_other_work(facts: Facts) -> Iterator[tuple[str, str]]:
    concurrent = [sql for sql in facts.evidence.sql if re.search(r"\bCONCURRENTLY\b", sql, re.IGNORECASE)]
    if facts.evidence.autocommit and concurrent and len(facts.evidence.sql) > len(concurrent):
        yield (
            "block",
            "it commits half-way; if it fails after that, a second try finds the first half already there.",
        )


@rule(
    "DM104",
    "index built while writers wait",
    "CREATE INDEX CONCURRENTLY in autocommit_block, alone in its revision",
)
def plain_index(facts: Facts) -> Iterator[tuple[str, str]]:
    if any(re.search(r"\bCONCURRENTLY\b", sql, re.IGNORECASE) for sql in facts.evidence.sql):
        return
    built = [name for kind, name, new in facts.evidence.changes if kind == "index" and new]
    for name in built:
        definition = next(new for _, other, new in facts.evidence.changes if other == name and new)
        match = ON_TABLE.search(definition)
        table = match[1] if match else ""
        if table in facts.existing_tables and f"ADD CONSTRAINT {name.rpartition('.')[2]}" not in " ".join(
            facts.evidence.sql
        ):
            severity = "block" if _large(facts, table) else "note"
            yield (
                severity,
                f"CREATE INDEX takes SHARE on {table}: inserts, updates and deletes wait until it ends.",
            )


@rule(
    "DM105",
    "nobody knows why",
    "begin the docstring with why the revision exists and end it with 'Rollback: …'",
)
def no_reason(facts: Facts) -> Iterator[tuple[str, str]]:
    if "rollback" not in facts.evidence.doc.lower():
        yield "note", "its docstring does not say how it is undone."
