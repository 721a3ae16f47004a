"""Rules about whole tables: rewritten for housekeeping, and what decides who may see or change their rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules import write_tables as write
from dbmigrate.domain.rules.look import (
    WAITING,
    acts,
    kind_of,
    lock_on,
    numbered,
    short,
    sized,
    takes,
)
from dbmigrate.domain.rules.register import rule
from dbmigrate.domain.statements import NAME, qualified

# A rewrite that comes of these is a matter of the rules for columns.
OF_COLUMNS = ("add column", "retype column", "change default", "drop column")
PUBLIC = re.compile(r"\bGRANT\b.*\bTO\b[^;]*\bPUBLIC\b", re.IGNORECASE | re.DOTALL)
ALL_TRIGGERS = re.compile(
    rf"\bALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?({NAME})[^;]*\bDISABLE\s+TRIGGER\s+ALL\b",
    re.IGNORECASE,
)
LITERAL = re.compile(r"'(?:[^']|'')*'|--[^\n]*")


@rule(
    "DM150",
    "trigger made or dropped",
    hurts="from its commit on every write of the table runs the trigger, or no longer does; what it costs "
    "and what it forgets no catalog shows. CREATE TRIGGER takes SHARE ROW EXCLUSIVE, DROP TRIGGER ACCESS "
    "EXCLUSIVE",
    instead="nothing else in the revision, and the writes of the table measured before and after",
)
def trigger(facts: Facts) -> Iterator[Hit]:
    """A table that exists today gets a trigger or loses one. Severity: note."""
    for number, effects, act in acts(facts, "create trigger", "drop trigger"):
        if not effects.did("drop table"):
            lock = lock_on(effects, act.table) or "ACCESS EXCLUSIVE"
            yield Hit(
                "note",
                f"{act.kind.upper()} {short(act.name)} {takes(effects, act.table, lock)} "
                f"{sized(facts, act.table)}, and every write of it from then on "
                f"{'runs it' if act.kind == 'create trigger' else 'goes without it'}.",
                number,
                act.table,
                lock,
            )


@rule(
    "DM151",
    "trigger switched off",
    hurts="what the trigger keeps true is not kept from here on, and nobody goes back over the rows written "
    "meanwhile when it is switched on again",
    instead="leave it on; a backfill that must not fire it sets session_replication_role for itself alone",
)
def trigger_off(facts: Facts) -> Iterator[Hit]:
    """Triggers of a table that exists today are off after the revision, or were off in between; with DISABLE
    TRIGGER ALL also those of its foreign keys. Severity: review."""
    for number, effects, act in acts(facts, "change trigger"):
        if act.now in ("disabled", "replica only"):
            lock = lock_on(effects, act.table)
            yield Hit(
                "review",
                f"trigger {short(act.name)} of {sized(facts, act.table)} is switched off"
                f"{f' under {lock}' if lock else ''}; writes meanwhile go without it.",
                number,
                act.table,
                lock,
            )
    for number, effects in numbered(facts):
        all_of = ALL_TRIGGERS.search(LITERAL.sub("", effects.sql))
        table = qualified(all_of[1]) if all_of else ""
        if facts.exists(table) and not effects.did("change trigger"):
            yield Hit(
                "review",
                f"all triggers of {sized(facts, table)} are switched off, those that keep its foreign keys "
                "true included; writes meanwhile go without them.",
                number,
                table,
                lock_on(effects, table),
            )


@rule(
    "DM152",
    "who sees which rows changes",
    hurts="with row security on, a role without a policy sees no rows, and no error says so; with it off, "
    "everyone sees all of them, other customers' rows included",
    instead="make the policies first and try the application's queries as its own role; then let this "
    "finding pass with what was tried as the reason",
)
def row_security(facts: Facts) -> Iterator[Hit]:
    """Row security of a table that exists today is switched on, off or forced, or one of its policies is
    gone. Severity: review."""
    for number, effects, act in acts(facts, "change row security"):
        yield Hit(
            "review",
            f"row security of {act.table} goes from {act.was} to {act.now}: "
            + ("roles without a policy see no rows." if act.now != "off" else "everyone sees all rows."),
            number,
            act.table,
            lock_on(effects, act.table),
        )
    for kind, name, definition in facts.evidence.changes:
        table = name.rpartition(".")[0]
        if kind == "policy" and definition is None and facts.exists(table) and _stays(facts, table):
            yield Hit("review", f"policy {short(name)} of {table} is gone.", relation=table)


def _stays(facts: Facts, table: str) -> bool:
    return any(kind_of(facts.after, name) for name in (table, *_new_names(facts, table)))


def _new_names(facts: Facts, table: str) -> list[str]:
    return [act.now or "" for _, _, act in acts(facts, "rename table") if act.was == table]


@rule(
    "DM153",
    "rows lose what replicas know them by",
    hurts="logical replication finds the row to update or delete by the replica identity, which is the "
    "primary key unless something else is said. Without one, UPDATE and DELETE of a published table fail; "
    "with FULL, every one of them writes the whole old row to the log",
    instead="drop and add the primary key in one statement, the new one USING INDEX; ask who replicates "
    "the table before its replica identity changes",
)
def replica_identity(facts: Facts) -> Iterator[Hit]:
    """A table that exists today loses its primary key and gets no other in the same transaction, or its
    replica identity changes. Severity: review."""
    for number, effects, act in acts(facts, "change replica identity"):
        yield Hit(
            "review",
            f"the replica identity of {act.table} goes from {act.was} to {act.now}.",
            number,
            act.table,
            lock_on(effects, act.table),
        )
    added = {
        (effects.transaction, act.table)
        for _, effects, act in acts(facts, "add constraint")
        if (act.now or "").startswith("PRIMARY KEY")
    }
    for number, effects, act in acts(facts, "drop constraint"):
        gone = (act.was or "").startswith("PRIMARY KEY") and not effects.did("drop table")
        if gone and (effects.transaction, act.table) not in added:
            yield Hit(
                "review",
                f"{act.table} loses its primary key {short(act.name)}: where the table is published, its "
                "updates and deletes fail from then on.",
                number,
                act.table,
                lock_on(effects, act.table),
            )


@rule(
    "DM154",
    "everyone is granted something",
    hurts="PUBLIC is every role of the server, those that are made next year included",
    instead="GRANT … TO the role that needs it",
)
def granted_to_public(facts: Facts) -> Iterator[Hit]:
    """A statement grants to PUBLIC, also as a default for later objects. Severity: review."""
    for number, effects in numbered(facts):
        if PUBLIC.search(LITERAL.sub("", effects.sql)):
            yield Hit("review", "it grants to PUBLIC: every role that there is and that will be.", number)


@rule(
    "DM160",
    "materialized view refreshed while its readers wait",
    hurts="REFRESH MATERIALIZED VIEW takes ACCESS EXCLUSIVE and keeps it for as long as the view's query "
    "runs",
    instead="REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view and lets "
    "everyone read",
)
def plain_refresh(facts: Facts) -> Iterator[Hit]:
    """A materialized view that exists today is built anew, not CONCURRENTLY. Severity: note for a small
    table, block for a large one."""
    for number, effects in numbered(facts):
        for view in effects.rewrites:
            if kind_of(facts.before, view) == "m" and kind_of(facts.start or facts.before, view) == "m":
                yield Hit(
                    facts.severity(view, statement=number),
                    f"REFRESH takes ACCESS EXCLUSIVE on {sized(facts, view)}: every query of it waits "
                    "until its own query is done.",
                    number,
                    view,
                    "ACCESS EXCLUSIVE",
                    write.refresh(view),
                )


@rule(
    "DM161",
    "table rewritten for housekeeping",
    hurts="CLUSTER, VACUUM FULL, SET LOGGED, SET UNLOGGED, SET TABLESPACE and SET ACCESS METHOD write the "
    "whole table and its indexes anew under ACCESS EXCLUSIVE; every byte goes to the replicas, too, and "
    "the disk holds both copies meanwhile",
    instead="leave it out of the deployment: pg_repack or pg_squeeze does the same work beside the "
    "application; for another tablespace move one index or partition at a time in a quiet hour",
)
def housekeeping(facts: Facts) -> Iterator[Hit]:
    """A table that exists today gets new storage though no column changes. Severity: note for a small table,
    block for a large one."""
    for number, effects in numbered(facts):
        for table in effects.rewrites:
            if effects.did(*OF_COLUMNS) or table in effects.truncates or not facts.exists(table):
                continue
            lock = lock_on(effects, table) or "ACCESS EXCLUSIVE"
            first = " ".join(effects.sql.split()[:2]).upper()
            yield Hit(
                facts.severity(table, statement=number),
                f"{first} writes {sized(facts, table)} anew under {lock}: {WAITING[lock]}.",
                number,
                table,
                lock,
            )
