"""Rules about partitions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules import write_partitions as write
from dbmigrate.domain.rules.look import (
    WAITING,
    acts,
    listed,
    lock_on,
    numbered,
    short,
    sized,
    worked_through,
    worst,
)
from dbmigrate.domain.rules.register import rule

PARTITION_OF = re.compile(r"PARTITION OF (\S+) (.*)", re.DOTALL)


@rule(
    "DM140",
    "partition attached with a scan",
    hurts="ATTACH PARTITION reads the new partition for rows outside of its bounds, and the DEFAULT "
    "partition for rows inside of them; both are under ACCESS EXCLUSIVE meanwhile, and an INSERT that the "
    "DEFAULT partition would take waits",
    instead="op.add_check with the bounds; in the next revision ATTACH, which believes it and reads nothing. "
    "The DEFAULT partition needs a check that excludes them",
)
def attach_scans(facts: Facts) -> Iterator[Hit]:
    """A table becomes a partition of one that exists today, and it or the DEFAULT partition is read in full
    or gets its indexes built. A table that the plan has made is empty. Severity: note for a small table,
    block for a large one."""
    for number, effects, act in acts(facts, "attach partition"):
        read = worked_through(facts, effects)
        if read:
            yield Hit(
                worst(facts, read, statement=number),
                f"ATTACH PARTITION {short(act.name)} reads "
                f"{listed(sized(facts, table) for table in read)} under ACCESS EXCLUSIVE: "
                f"{WAITING['ACCESS EXCLUSIVE']}.",
                number,
                read[0],
                "ACCESS EXCLUSIVE",
                write.attach(facts.before, act.table, act.name, act.now or "", read),
            )


@rule(
    "DM141",
    "partition made in place",
    hurts="CREATE TABLE … PARTITION OF takes ACCESS EXCLUSIVE on the parent, through which every query "
    "goes, and reads the DEFAULT partition under it when there is one",
    instead="CREATE TABLE … (LIKE parent …), then ALTER TABLE parent ATTACH PARTITION, which takes SHARE "
    "UPDATE EXCLUSIVE on the parent: everyone reads and writes on",
)
def partition_of(facts: Facts) -> Iterator[Hit]:
    """CREATE TABLE … PARTITION OF a table that exists today. Severity: block when a large
    DEFAULT partition is read for it; else review for a large parent, note for a small one."""
    for number, effects in numbered(facts):
        for act in effects.did("create table"):
            match = PARTITION_OF.match(act.now or "")
            parent = match[1] if match else ""
            if match is None or not facts.exists(parent) or lock_on(effects, parent) != "ACCESS EXCLUSIVE":
                continue
            read = [table for table in effects.scans if facts.exists(table)]
            also = f" and reads {listed(sized(facts, table) for table in read)} under it" if read else ""
            yield Hit(
                worst(facts, read) if worst(facts, read) == "block" else facts.severity(parent, "review"),
                f"CREATE TABLE {short(act.name)} PARTITION OF takes ACCESS EXCLUSIVE on "
                f"{sized(facts, parent)}{also}: every query waits.",
                number,
                parent,
                "ACCESS EXCLUSIVE",
                None if read else write.made_apart(parent, act.name, match[2]),
            )


@rule(
    "DM142",
    "partition detached while the application waits",
    hurts="DETACH PARTITION takes ACCESS EXCLUSIVE on the parent, through which every query goes, and on the "
    "partition. It waits for every query that runs there, and all later ones wait behind it",
    instead="DETACH PARTITION … CONCURRENTLY in autocommit_block, alone in its revision. With a DEFAULT "
    "partition PostgreSQL has no such form; then give the revision nothing else to do",
)
def plain_detach(facts: Facts) -> Iterator[Hit]:
    """DETACH PARTITION of a table that exists today, not CONCURRENTLY. Severity: review for a large parent,
    note for a small one."""
    for number, effects, act in acts(facts, "detach partition"):
        if lock_on(effects, act.table) == "ACCESS EXCLUSIVE":
            yield Hit(
                facts.severity(act.table, "review"),
                f"DETACH PARTITION {short(act.name)} takes ACCESS EXCLUSIVE on {sized(facts, act.table)}: "
                "every query waits until it has the lock, which it gets only between two of them.",
                number,
                act.table,
                "ACCESS EXCLUSIVE",
                write.detach(facts.before, act.table, act.name, act.was or ""),
            )
