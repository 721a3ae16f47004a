"""Rules about locks that are kept longer than they are needed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from dbmigrate.domain.effects import Act, Effects
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules.look import (
    WAITING,
    largest,
    listed,
    lock_on,
    numbered,
    short,
    sized,
    stopping,
    worked_through,
    worst,
)
from dbmigrate.domain.rules.register import rule
from dbmigrate.domain.statements import COMMENT

MANY = 3
LOCK_TABLE = re.compile(r"^\s*LOCK\b", re.IGNORECASE)
# In a block or a function nothing else tells LOCK TABLE: no query takes such a lock, and DDL leaves its mark.
PROGRAM = re.compile(r"^\s*(?:DO|CALL|SELECT|WITH)\b", re.IGNORECASE)


@rule(
    "DM130",
    "lock held through slow work",
    hurts="a lock is kept to the end of its transaction. ALTER TABLE needs its ACCESS EXCLUSIVE for a "
    "moment; with a backfill, a scan or a build behind it in the same revision, the application stands "
    "still for all of it",
    instead="end the revision after the statement that takes the lock, and do the slow work in the next: "
    "rows with op.backfill",
)
def held_through_slow_work(facts: Facts) -> Iterator[Hit]:
    """A statement reads a table that exists today in full, rewrites it, indexes it or writes all of its rows,
    and an earlier one of the same transaction has taken a lock that stops the writers of some table. Severity
    by the table that is worked through: note for a small table, block for a large one."""
    since: dict[tuple[int, str], int] = {}
    said: set[tuple[int, str]] = set()
    for number, effects in numbered(facts):
        slow = worked_through(facts, effects)
        for table, mode in stopping(effects.held).items() if slow else ():
            key = (effects.transaction, table)
            if key in said or not facts.exists(table) or _validates_its_own(facts, effects, number):
                continue
            said.add(key)
            where = largest(facts, slow) or slow[0]
            yield Hit(
                worst(facts, slow, statement=number),
                f"it {_does(effects, where)} {sized(facts, where)} while {mode} on {table} is held since "
                f"statement {since.get(key, 1)}: {WAITING[mode]} until the end of the revision.",
                number,
                table,
                mode,
            )
        for table in stopping(effects.locks):
            since.setdefault((effects.transaction, table), number)


def _does(effects: Effects, table: str) -> str:
    if table in effects.rewrites:
        return "rewrites"
    if any(of == table for _, of in effects.builds):
        return "builds an index of"
    if any(write.table == table for write in effects.writes):
        return "writes rows of"
    return "reads all of"


def _validates_its_own(facts: Facts, effects: Effects, number: int) -> bool:
    """Whether DM123 says it already."""
    validated = {act.name for act in effects.did("validate constraint")}
    earlier = facts.evidence.statements[: number - 1]
    return any(
        act.name in validated
        for before in earlier
        if before.transaction == effects.transaction
        for act in before.did("add constraint")
    )


@rule(
    "DM131",
    "many tables locked at once",
    hurts="the locks add up: the first table waits until the last one is done, and every further lock is "
    "one more that a long query can hold up, or a deadlock with a program that takes them in another order",
    instead="a revision for each table; each is a transaction of its own",
)
def many_tables(facts: Facts) -> Iterator[Hit]:
    """The statements of one transaction stop the writers of three or more tables that exist today. Severity:
    review when one of them is large, note otherwise."""
    held: dict[int, dict[str, int]] = defaultdict(dict)
    modes: dict[str, str] = {}
    for number, effects in numbered(facts):
        if effects.autocommit:
            continue
        for table, mode in stopping(effects.locks).items():
            if facts.exists(table):
                held[effects.transaction].setdefault(table, number)
                modes[table] = mode
    for tables in held.values():
        if len(tables) >= MANY and len(set(tables.values())) > 1:
            last = max(tables, key=lambda table: tables[table])
            yield Hit(
                worst(facts, tables, "review"),
                f"it holds {listed(tables)} locked at once: {WAITING[modes[last]]} on all of them until "
                "the last one is done.",
                tables[last],
                last,
                modes[last],
            )


@rule(
    "DM132",
    "a table worked through twice",
    hurts="each ALTER TABLE that rewrites or reads the table starts anew: twice the time under the same lock",
    instead="one ALTER TABLE with all its parts, separated by commas: PostgreSQL goes through the table once",
)
def twice(facts: Facts) -> Iterator[Hit]:
    """Two statements of one transaction rewrite a table that exists today, or read it in full for ALTER
    TABLE. Foreign keys, unique and primary keys have a pass of their own in one ALTER TABLE, too, and do not
    count. Severity: note for a small table, review for a large one."""
    first: dict[tuple[int, str], int] = {}
    for number, effects in numbered(facts):
        keys = [act.table for act in effects.did("add constraint") if not _joins_others(act)]
        altered = {act.table for act in effects.acts if _joins_others(act)}.difference(keys)
        for table in dict.fromkeys((*effects.rewrites, *effects.scans)):
            if lock_on(effects, table) != "ACCESS EXCLUSIVE" or table not in altered:
                continue
            if not facts.exists(table) or effects.autocommit:
                continue
            before = first.setdefault((effects.transaction, table), number)
            if before != number:
                yield Hit(
                    facts.severity(table, "review"),
                    f"it goes through {sized(facts, table)} under ACCESS EXCLUSIVE, as statement {before} "
                    "did: one ALTER TABLE with both would do it once.",
                    number,
                    table,
                    "ACCESS EXCLUSIVE",
                )


def _joins_others(act: Act) -> bool:
    """Whether it could use the same pass through its table as other parts of one ALTER TABLE."""
    if act.kind == "add constraint":
        return (act.now or "").startswith("CHECK")
    return act.kind not in ("create index", "validate constraint")


@rule(
    "DM133",
    "table locked by hand",
    hurts="LOCK TABLE without a mode is ACCESS EXCLUSIVE: not even a SELECT gets through until the "
    "revision ends",
    instead="leave it out: each statement takes the lock that it needs; or name the weakest mode that does",
)
def locked_by_hand(facts: Facts) -> Iterator[Hit]:
    """LOCK TABLE, in a DO block or a function, too, stops at least the writers of a table that exists today.
    Severity: review for a large table, note for a small one."""
    for number, effects in numbered(facts):
        for table, mode in stopping(effects.locks).items() if _locks_by_hand(effects) else ():
            if facts.exists(table):
                yield Hit(
                    facts.severity(table, "review"),
                    f"{_named(effects, table)} takes {mode} on {sized(facts, table)}: {WAITING[mode]} "
                    "until the revision ends.",
                    number,
                    table,
                    mode,
                )


def _locks_by_hand(effects: Effects) -> bool:
    text = COMMENT.sub(" ", effects.sql)
    work = effects.acts or effects.rewrites or effects.builds or effects.truncates
    return bool(LOCK_TABLE.match(text) or (PROGRAM.match(text) and not work))


def _named(effects: Effects, table: str) -> str:
    return f"LOCK TABLE {short(table)}" if re.search(r"\bLOCK\b", effects.sql, re.IGNORECASE) else "it"
