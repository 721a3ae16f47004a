"""The basic rules: what the executed SQL and the catalog's changes show. docs/rules.md explains each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules.register import rule
from dbmigrate.domain.statements import NAME, WORD, qualified

CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)
ENUM_VALUE = re.compile(r"\bALTER\s+TYPE\b.*\bADD\s+VALUE\b", re.IGNORECASE | re.DOTALL)
ROWS = re.compile(r"^\s*(?:WITH|INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
NO_WORK = re.compile(r"^\s*(?:SET|RESET|SHOW|SELECT|ANALYZE)\b", re.IGNORECASE)
CREATE_INDEX = re.compile(
    rf"\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY\b)(?:.*?\s)?ON\s+(?:ONLY\s+)?({NAME})",
    re.IGNORECASE | re.DOTALL,
)
ADD_KEY = re.compile(
    rf"\bALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?({NAME})\s.*?"
    rf"\bADD\s+(?:CONSTRAINT\s+{WORD}\s+)?(UNIQUE|PRIMARY\s+KEY|EXCLUDE)\b(?!\s+USING\s+INDEX)",
    re.IGNORECASE | re.DOTALL,
)


@rule(
    "DM101",
    "data is gone for good",
    hurts="a downgrade makes the column again, not its values, and the application that still runs reads it",
    instead="stop reading it first, release, then drop it in a revision of its own",
)
def data_is_dropped(facts: Facts) -> Iterator[Hit]:
    """Tables and columns that exist today and not after it."""
    for name in facts.evidence.drops:
        if facts.existing_tables & {name, name.rpartition(".")[0]}:
            yield Hit(
                "review",
                f"{name} is dropped; a downgrade makes it again without its values, "
                "and old code may still read it.",
            )


@rule(
    "DM102",
    "no way back",
    hurts="the automatic rollback runs only ways back that are proved",
    instead="write a downgrade that makes the same catalog again, or say in the docstring why there is none",
)
def no_way_back(facts: Facts) -> Iterator[Hit]:
    """Up, down and up again on the scratch database."""
    if not facts.evidence.round_trip:
        trouble = facts.evidence.round_trip_error
        yield Hit("review", f"up, down and up again did not come out the same: {trouble}.")


@rule(
    "DM103",
    "a statement outside of the transaction goes with others",
    hurts="when the block fails, the next try meets its own first half",
    instead="keep autocommit_block alone in its revision",
)
def autocommit_with_other_work(facts: Facts) -> Iterator[Hit]:
    """A revision that commits inside and does more than one thing. Batches of rows are one thing."""
    kinds = [_kind(sql) for sql in facts.evidence.sql if not NO_WORK.match(sql)]
    mixed = len(set(kinds)) > 1 or (len(kinds) > 1 and "other" in kinds)
    if facts.evidence.autocommit and mixed:
        yield Hit(
            "block",
            "it commits half-way; if it fails after that, a second try finds the first half already there.",
        )


def _kind(sql: str) -> str:
    if CONCURRENTLY.search(sql):
        return "concurrently"
    if ENUM_VALUE.search(sql):
        return "enum value"
    return "rows" if ROWS.match(sql) else "other"


@rule(
    "DM104",
    "index built while the application waits",
    hurts="building takes as long as the table is large, and writers wait all the while",
    instead="CREATE INDEX CONCURRENTLY in autocommit_block, alone in its revision; "
    "for a key, then ADD CONSTRAINT … USING INDEX in the next",
)
def plain_index(facts: Facts) -> Iterator[Hit]:
    """Indexes of tables that exist today, built in a transaction."""
    for sql in facts.evidence.sql:
        if match := CREATE_INDEX.search(sql):
            waiting = "inserts, updates and deletes wait"
            yield from _built(facts, match[1], "CREATE INDEX takes SHARE", waiting)
        if match := ADD_KEY.search(sql):
            lock = f"ADD {' '.join(match[2].upper().split())} takes ACCESS EXCLUSIVE"
            yield from _built(facts, match[1], lock, "every query waits")


def _built(facts: Facts, name: str, lock: str, waiting: str) -> Iterator[Hit]:
    table = qualified(name)
    if table in facts.existing_tables:
        yield Hit(facts.severity(table), f"{lock} on {table}: {waiting} until its index is built.")


@rule(
    "DM105",
    "nobody knows why",
    hurts="the docstring is what the approver reads, and the engineer on call at night",
    instead="begin the docstring with why the revision exists and end it with 'Rollback: …'",
)
def no_reason(facts: Facts) -> Iterator[Hit]:
    """A docstring without the word rollback."""
    if "rollback" not in facts.evidence.doc.lower():
        yield Hit("note", "its docstring does not say how it is undone.")
