"""Rules about checks, foreign keys and NOT NULL."""

from __future__ import annotations

from collections.abc import Iterator

from dbmigrate.domain.effects import Act, Effects
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules import write_constraints as write
from dbmigrate.domain.rules.look import (
    WAITING,
    acts,
    kind_of,
    listed,
    lock_on,
    short,
    sized,
    stopping,
    takes,
    worst,
)
from dbmigrate.domain.rules.register import rule


def is_check(act: Act) -> bool:
    """A CHECK that is validated at once."""
    return (act.now or "").startswith("CHECK") and "NOT VALID" not in (act.now or "")


def is_foreign_key(act: Act) -> bool:
    """A foreign key that is validated at once."""
    return (act.now or "").startswith("FOREIGN KEY") and "NOT VALID" not in (act.now or "")


def with_its_column(effects: Effects, act: Act) -> bool:
    """Whether the statement adds a column of the same table, too."""
    return any(other.table == act.table for other in effects.did("add column"))


def scanned(facts: Facts, effects: Effects) -> list[str]:
    """Tables that the application uses and the statement reads in full."""
    return [table for table in effects.scans if facts.exists(table)]


@rule(
    "DM120",
    "check validated at once",
    hurts="ADD CHECK takes ACCESS EXCLUSIVE and then reads the whole table for a row that breaks it; not "
    "even a SELECT gets through meanwhile",
    instead="op.add_check: NOT VALID first, which takes a moment and holds for new rows, then VALIDATE "
    "CONSTRAINT, which reads while everyone reads and writes",
)
def check_validated(facts: Facts) -> Iterator[Hit]:
    """A CHECK without NOT VALID is added to a table that exists today, and the table is read in full for it.
    Severity: note for a small table, block for a large one."""
    for number, effects, act in acts(facts, "add constraint"):
        read = scanned(facts, effects)
        if is_check(act) and read and not with_its_column(effects, act):
            lock = lock_on(effects, act.table) or "ACCESS EXCLUSIVE"
            yield Hit(
                worst(facts, read, statement=number),
                f"ADD CHECK {short(act.name)} {takes(effects, act.table, lock)} "
                f"{sized(facts, act.table)} and reads it in "
                f"full: {WAITING[lock]}.",
                number,
                act.table,
                lock,
                write.constraint(act.name, act.table, act.now or ""),
            )


@rule(
    "DM121",
    "foreign key validated at once",
    hurts="ADD FOREIGN KEY takes SHARE ROW EXCLUSIVE on both tables and reads them while it holds it: "
    "writers of the child and of the parent wait",
    instead="op.add_foreign_key: NOT VALID first, which takes both locks for a moment and holds for new "
    "rows, then VALIDATE CONSTRAINT, which lets everyone read and write",
)
def foreign_key_validated(facts: Facts) -> Iterator[Hit]:
    """A FOREIGN KEY without NOT VALID is added to a table that exists today. Severity: by the larger of child
    and parent; note for a small table, block for a large one."""
    for number, effects, act in acts(facts, "add constraint"):
        if not is_foreign_key(act) or with_its_column(effects, act):
            continue
        both = list(dict.fromkeys((act.table, *stopping(effects.locks))))
        lock = lock_on(effects, act.table) or "SHARE ROW EXCLUSIVE"
        does = takes(effects, act.table, lock)
        where = both if does.startswith("takes") else [act.table]
        yield Hit(
            worst(facts, both, statement=number),
            f"ADD FOREIGN KEY {short(act.name)} {does} {listed(sized(facts, table) for table in where)} and "
            f"reads {'them' if where[1:] else 'it'}: {WAITING[lock]}.",
            number,
            act.table,
            lock,
            None
            if kind_of(facts.before, act.table) == "p"
            else write.constraint(act.name, act.table, act.now or ""),
        )


@rule(
    "DM122",
    "column added together with its constraint",
    hurts="ADD COLUMN takes ACCESS EXCLUSIVE. With a CHECK it reads the whole table under it, though no "
    "row has a value yet; with REFERENCES it takes the parent's writers along",
    instead="add the column alone; in the next revision its constraint with op.add_check or "
    "op.add_foreign_key",
)
def column_with_constraint(facts: Facts) -> Iterator[Hit]:
    """ADD COLUMN with a CHECK or REFERENCES in the same statement, on a table that exists today. Severity
    with a CHECK: note for a small table, block for a large one; with REFERENCES: review for a large child or
    parent."""
    for number, effects, act in acts(facts, "add constraint"):
        if not with_its_column(effects, act) or not (is_check(act) or is_foreign_key(act)):
            continue
        both = list(dict.fromkeys((act.table, *stopping(effects.locks))))
        read = scanned(facts, effects) if is_check(act) else []
        does = (
            "reads the whole table under it" if read else f"stops the writers of {listed(both[1:] or both)}"
        )
        yield Hit(
            worst(facts, read, statement=number) if read else worst(facts, both, "review"),
            f"ADD COLUMN with {(act.now or '').partition(' (')[0]} takes ACCESS EXCLUSIVE on "
            f"{sized(facts, act.table)} and {does}: every query waits.",
            number,
            act.table,
            "ACCESS EXCLUSIVE",
        )


@rule(
    "DM123",
    "validated in the transaction that added it",
    hurts="NOT VALID only helps when the transaction ends: the strong lock that adding took is held until "
    "then, and VALIDATE CONSTRAINT reads the whole table under it",
    instead="op.add_check or op.add_foreign_key, which validate in a transaction of their own",
)
def validated_under_its_lock(facts: Facts) -> Iterator[Hit]:
    """A constraint of a table that exists today is added NOT VALID and validated in the same transaction.
    Severity: note for a small table, block for a large one."""
    added: dict[tuple[str, int], Act] = {}
    for number, effects, act in acts(facts, "add constraint", "validate constraint"):
        key = (act.name, -number if effects.autocommit else effects.transaction)
        if act.kind == "add constraint":
            added[key] = act
        elif key in added:
            lock = lock_on(effects, act.table) or "ACCESS EXCLUSIVE"
            read = scanned(facts, effects) or [act.table]
            yield Hit(
                worst(facts, read, statement=number),
                f"VALIDATE CONSTRAINT {short(act.name)} reads {sized(facts, act.table)} while {lock} is "
                f"held from adding it: {WAITING[lock]}.",
                number,
                act.table,
                lock,
                write.constraint(act.name, act.table, added[key].now or ""),
            )


@rule(
    "DM124",
    "taking a foreign key away locks its parent",
    hurts="DROP CONSTRAINT and DROP TABLE take ACCESS EXCLUSIVE on the parent of a foreign key as well: a "
    "table that the revision does not name. It waits for every query that runs there, and all later ones "
    "wait behind it",
    instead="drop the foreign keys first, each in a revision of its own, which waits for one parent at a "
    "time",
)
def parent_locked_by_drop(facts: Facts) -> Iterator[Hit]:
    """A foreign key is dropped, or a table with one, or a column, and another table that exists today is
    locked for it. Severity: note when that one is small, review when it is large."""
    for number, effects in enumerate(facts.evidence.statements, 1):
        gone = effects.did("drop constraint", "drop table", "drop column")
        ours = {act.table for act in gone}
        parents = [
            table
            for table, mode in stopping(effects.locks).items()
            if gone and table not in ours and facts.exists(table) and mode == "ACCESS EXCLUSIVE"
        ]
        for parent in parents:
            yield Hit(
                facts.severity(parent, "review"),
                f"{gone[0].kind.upper()} {short(gone[0].name)} takes ACCESS EXCLUSIVE on "
                f"{sized(facts, parent)}, too, to which a foreign key points: every query waits.",
                number,
                parent,
                "ACCESS EXCLUSIVE",
            )


@rule(
    "DM125",
    "a new table's foreign key stops the parent's writers",
    hurts="the new table is empty, its parent is not: a foreign key takes SHARE ROW EXCLUSIVE on it. The "
    "lock is short when it comes last, and waits for the writers that are under way",
    instead="put the foreign key at the end of the revision, or in one of its own, and nothing slow behind "
    "it",
)
def parent_locked_by_new_table(facts: Facts) -> Iterator[Hit]:
    """A table that the plan makes refers to one that exists today. Severity: note."""
    for number, effects in enumerate(facts.evidence.statements, 1):
        made = [act for act in effects.did("create table", "add constraint") if not facts.exists(act.table)]
        for parent, mode in stopping(effects.locks).items():
            if made and mode == "SHARE ROW EXCLUSIVE" and facts.severity(parent) == "block":
                if not facts.exists(parent):
                    continue
                yield Hit(
                    "note",
                    f"the foreign key of {made[0].table} takes {mode} on {sized(facts, parent)}: "
                    f"{WAITING[mode]}.",
                    number,
                    parent,
                    mode,
                )


@rule(
    "DM126",
    "NOT NULL set with a scan",
    hurts="SET NOT NULL takes ACCESS EXCLUSIVE and reads the whole table for a NULL; not even a SELECT gets "
    "through meanwhile",
    instead="op.set_not_null: a CHECK (… IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT, then SET NOT NULL, "
    "which believes the check and reads nothing",
)
def not_null_scan(facts: Facts) -> Iterator[Hit]:
    """A column of a table that exists today becomes NOT NULL and the table is read in full for it. Silent
    when a valid CHECK proves it already. Severity: note for a small table, block for a large one."""
    for number, effects, act in acts(facts, "set not null"):
        read = [table for table in scanned(facts, effects) if table not in effects.rewrites]
        if not read or any(table == act.table for _, table in effects.builds):
            continue
        yield Hit(
            worst(facts, read, statement=number),
            f"SET NOT NULL of {short(act.name)} takes ACCESS EXCLUSIVE on {sized(facts, act.table)} and "
            "reads it in full: every query waits.",
            number,
            act.table,
            "ACCESS EXCLUSIVE",
            write.not_null(act.table, short(act.name)),
        )
