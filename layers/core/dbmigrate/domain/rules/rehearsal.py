"""Rules about the evidence itself: where it was made, what it could not see, and what the revision lets
pass."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules.look import worked_through
from dbmigrate.domain.rules.register import RULES, rule

OURS = re.compile(r"DM\d+")


@rule(
    "DM165",
    "rehearsed on another PostgreSQL",
    hurts="a major version decides what is rewritten, which lock a statement takes and whether it exists "
    "at all; evidence of another one proves little",
    instead="rehearse on the version of the live server: db-migrate validate --scratch URL, or name its "
    "programs",
    once=True,
)
def other_major(facts: Facts) -> Iterator[Hit]:
    """The scratch server's major version is not that of the database that is to be changed. Once a plan.
    Severity: review."""
    if None not in (facts.live_major, facts.rehearsed_major) and facts.live_major != facts.rehearsed_major:
        yield Hit(
            "review",
            f"it was rehearsed on PostgreSQL {facts.rehearsed_major}; the database is {facts.live_major}.",
        )


@rule(
    "DM166",
    "rehearsed on an empty table",
    hurts="no row could be made that the table's constraints take, or the revision failed on those that were "
    "made; so what it does to rows was not seen: a check that the old rows break, a value that is lost, a "
    "foreign key's scan",
    instead="make a row in a revision or a fixture of the rehearsal, or look at the statements yourself",
)
def stayed_empty(facts: Facts) -> Iterator[Hit]:
    """The revision changes or reads a table that exists today and held no row in the rehearsal. Severity:
    note."""
    statements = facts.evidence.statements
    touched = {lock.relation for effects in statements for lock in effects.locks}
    touched |= {act.table for effects in statements for act in effects.acts}
    touched |= {table for effects in statements for table in worked_through(facts, effects)}
    for table in facts.evidence.unseeded:
        if table in touched and facts.exists(table):
            yield Hit(
                "note",
                f"{table} held no row in the rehearsal; what it does to rows is unproved.",
                relation=table,
            )


@rule(
    "DM167",
    "a suppression that suppresses nothing",
    hurts="it tells the next reader of a danger that is not there, and it would silence the rule the day "
    "that it has something to say. One without a reason, or for a rule that does not exist, lets nothing "
    "pass",
    instead="take it out, or write it so: # dbmigrate: allow DM104 because …",
)
def unused_suppression(facts: Facts) -> Iterator[Hit]:
    """A comment of the revision lets a rule pass that finds nothing in it, or that does not exist, or it
    gives no reason. Severity: review."""
    for number, _ in facts.evidence.allows:
        if not OURS.fullmatch(number) or number == "DM167":
            continue
        if number not in RULES:
            yield Hit("review", f"it allows {number}, and there is no such rule.")
        elif not any(True for _ in RULES[number].check(facts)):
            yield Hit("review", f"it allows {number}, which finds nothing here.")
    for line, comment in facts.evidence.misread:
        yield Hit("review", f"line {line} lets nothing pass: {comment}")
