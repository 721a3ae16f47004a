"""Rules about the revision as a whole: what it takes, how it goes back, how it commits, what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.effects import OF_ROWS, Effects
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules.look import numbered, sized
from dbmigrate.domain.rules.register import rule
from dbmigrate.domain.words import counted

CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)
ENUM_VALUE = re.compile(r"\bALTER\s+TYPE\b.*\bADD\s+VALUE\b", re.IGNORECASE | re.DOTALL)
OPERATION = "safe operation"
NO_WORK = re.compile(r"^\s*(?:SET|RESET|SHOW|SELECT|ANALYZE)\b", re.IGNORECASE)
EMPTY_BYTES = 64 * 1024
"""What a table without rows takes at most, its indexes included."""


@rule(
    "DM101",
    "data is gone for good",
    hurts="a downgrade makes the column again, not its values. And while the revision runs, the "
    "application that is still deployed reads and writes it; every one of its statements fails from that "
    "moment on",
    instead="three releases: add the new column and write both; move the values and read only the new one; "
    "drop the old one when nothing has read it for a release, and say so as the reason to let this finding "
    "pass",
)
def data_is_dropped(facts: Facts) -> Iterator[Hit]:
    """A table or a column that exists in the database today loses its identity: it is dropped, or made again
    under the same name. A rename is not a loss, and neither is what the same plan made a moment before.
    Severity: note when the live table is empty, review otherwise."""
    for name in (name for name in facts.evidence.drops if name not in facts.made):
        for table in facts.existing_tables & {name, name.rpartition(".")[0]}:
            gone = f"the column {name} of {sized(facts, table)}" if name != table else sized(facts, table)
            yield Hit(
                "note" if _is_empty(facts, table) else "review",
                f"{gone} is dropped; a downgrade makes it again without its values.",
                next((number for number, effects in numbered(facts) if _drops(effects, name)), None),
                table,
            )


def _is_empty(facts: Facts, table: str) -> bool:
    size = facts.sizes.get(table)
    return size is not None and size.rows == 0 and size.bytes <= EMPTY_BYTES


def _drops(effects: Effects, name: str) -> bool:
    return any(act.name == name for act in effects.did("drop table", "drop column"))


@rule(
    "DM102",
    "no way back",
    hurts="the automatic rollback in staging runs exactly these downgrades, and it runs them only when "
    "each one is proved. A plan with one unproved step has none: when it fails half-way, a person has to "
    "find the way back",
    instead="undo every statement, in the reverse order. Where there is no way back, as after a new value "
    "of an enum, say in the docstring why, and what to do instead",
)
def no_way_back(facts: Facts) -> Iterator[Hit]:
    """Up, down and up again did not come out the same on the scratch database: the downgrade raised, it
    left or took one object too many, or rows that were there before came back changed or not at all.
    Severity: review."""
    evidence = facts.evidence
    if not evidence.round_trip:
        yield Hit("review", f"up, down and up again did not come out the same: {evidence.round_trip_error}.")
    for table, column, rows in evidence.row_losses:
        name = table if column is None else f"{table}.{column}"
        if facts.exists(table) and not {table, name} & {*evidence.drops}:
            many = counted(rows, "row")
            what = f"{many} of {table}" if column is None else f"{name} in {many}"
            yield Hit(
                "review",
                f"of the rehearsal's rows, up and down again lost or changed {what}.",
                relation=table,
            )


@rule(
    "DM103",
    "a statement outside of the transaction goes with others",
    hurts="what came before the block is committed, and the version table does not know it yet. When the "
    "block fails, the next try begins at the top and meets its own first half: column paid already exists. "
    "Nobody but a person can tell then what is there and what is not",
    instead="two revisions; the second holds the block and nothing else. Safe operations (op.backfill, "
    "op.add_foreign_key and their like) resume where they stopped and may stand together, without plain "
    "statements",
)
def autocommit_with_other_work(facts: Facts) -> Iterator[Hit]:
    """The revision ends its transaction before its end, with autocommit_block, a safe operation or a COMMIT
    of its own, and does more than one kind of thing. Several statements of one kind that can be repeated are
    one thing: safe operations, indexes CONCURRENTLY, values of an enum, batches of rows. Severity: block."""
    kinds = {number: _kind(effects) for number, effects in numbered(facts) if _works(effects)}
    mixed = len(set(kinds.values())) > 1 or (len(kinds) > 1 and "other" in kinds.values())
    if not (facts.evidence.autocommit and mixed):
        return
    plain = [number for number, kind in kinds.items() if kind != OPERATION]
    if len(plain) < len(kinds):
        text = "it goes with safe operations, which commit: a second try meets it again, or its half."
        yield Hit("block", text, plain[0])
    else:
        text = "it commits half-way; if it fails after that, a second try finds the first half already there."
        yield Hit("block", text)


def _works(effects: Effects) -> bool:
    return bool(effects.acts or effects.writes or not NO_WORK.match(effects.sql))


def _kind(effects: Effects) -> str:
    if effects.operation:
        return OPERATION
    if CONCURRENTLY.search(effects.sql):
        return "concurrently"
    if ENUM_VALUE.search(effects.sql):
        return "enum value"
    return "rows" if OF_ROWS.match(effects.sql) else "other"


@rule(
    "DM105",
    "nobody knows why",
    hurts="the docstring is what the approver reads, and what the engineer on call reads at night beside the "
    "question whether to undo it. add paid says less than the statement below it",
    instead="why the revision exists, then how it is undone and what is lost by it",
)
def no_reason(facts: Facts) -> Iterator[Hit]:
    """The docstring of the revision does not hold the word rollback. Severity: note."""
    if "rollback" not in facts.evidence.doc.lower():
        yield Hit("note", "its docstring does not say how it is undone.")
