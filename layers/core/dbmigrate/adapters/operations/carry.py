"""Gives a column a follower with all that hangs on it, and lets the two change their places."""

from __future__ import annotations

from functools import partial

from dbmigrate.adapters.operations.batches import backfill_rows
from dbmigrate.adapters.operations.columns import NOT_NULL_STEPS, forbid_null
from dbmigrate.adapters.operations.constraint import DEFINITION, Constraint
from dbmigrate.adapters.operations.copies import Copied, Copies, Rule, column_of, copies_of
from dbmigrate.adapters.operations.indexes import build
from dbmigrate.adapters.operations.look import quoted, value
from dbmigrate.adapters.operations.pair import Pair
from dbmigrate.adapters.operations.work import Work

SWAPPED = "db_migrate_swapped"
WHOLE = """SELECT CASE WHEN c.relkind = 'p' THEN 'it is partitioned'
     WHEN c.relispartition THEN 'it is a partition'
     WHEN c.relkind <> 'r' THEN 'it is no table'
     WHEN EXISTS (SELECT FROM pg_inherits h WHERE c.oid IN (h.inhparent, h.inhrelid)) THEN 'it inherits' END
  FROM pg_class c WHERE c.oid = {oid}"""
# What no copy is made of. A column's own default, sequence, indexes and constraints are.
IN_THE_WAY = """SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
  FROM pg_depend d
  LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
  LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
  LEFT JOIN pg_index i ON i.indexrelid = c.oid
  LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = {oid} AND d.refobjsubid = {number}
   AND NOT coalesce(k.conrelid = d.refobjid AND k.contype IN ('c', 'f', 'p', 'u', 'n')
                    AND NOT (k.contype = 'f' AND k.confrelid = d.refobjid
                             AND {number} = ANY (k.confkey)), false)
   AND NOT coalesce(f.adrelid = d.refobjid AND f.adnum = {number} AND a.attgenerated = '', false)
   AND NOT coalesce(i.indrelid = d.refobjid AND NOT i.indisreplident AND i.indexprs IS NULL
                    AND NOT i.indisexclusion, false)
   AND NOT coalesce(c.relkind = 'S' AND d.deptype = 'a', false)
UNION SELECT 'the identity of the column' FROM pg_attribute a
 WHERE a.attrelid = {oid} AND a.attnum = {number} AND a.attidentity <> ''
UNION SELECT 'grants on the column' FROM pg_attribute a
 WHERE a.attrelid = {oid} AND a.attnum = {number} AND a.attacl IS NOT NULL
UNION SELECT 'index ' || c.relname || ', which is INVALID'
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = {oid} AND {number} = ANY (i.indkey) AND NOT i.indisvalid
ORDER BY 1"""


def expand(work: Work, pair: Pair, type_: str = "") -> Copies:
    """All steps of a follower: the column with its trigger, its rows, NOT NULL, indexes and constraints.

    ``type_`` is its type, by default the leader's. Raises RevisionFailed, with nothing changed, when
    something hangs on the leader of which no copy can be made.
    """
    copies = look(work, pair, type_)
    work.of = 2 + steps_of(copies)
    follow(work, pair, copies, type_)
    carry(work, pair, copies)
    return copies


def steps_of(copies: Copies) -> int:
    """How many steps carry takes."""
    steps = NOT_NULL_STEPS if copies.column.not_null else 0
    return steps + len(copies.indexes) + 2 * len(copies.rules)


def follow(work: Work, pair: Pair, copies: Copies, type_: str = "") -> None:
    """The first two steps: the column with its trigger, and its rows."""
    _add(work, pair, copies, type_)
    follower, leader = quoted(pair.follower), quoted(pair.leader)
    given = pair.forward or leader
    missing = f"{follower} IS NULL AND {leader} IS NOT NULL"
    backfill_rows(work, pair.target, f"{follower} = {given}", missing, title="fill the new column")


def look(work: Work, pair: Pair, type_: str, made: bool = False) -> Copies:
    """Everything that the follower needs; ``made`` when it has to be there. Raises RevisionFailed when it
    cannot have it, or is not there."""
    if work.offline:
        raise work.failed(
            "its steps depend on the table's indexes and constraints, so it cannot be written as a script.",
            "run it on the database, or write its steps by hand",
        )
    column = column_of(work, pair)
    if column is None:
        raise work.failed(f"{pair.target} has no column {quoted(pair.leader)}.", "check its name")
    if not pair.has_trigger(work):
        if made:
            raise work.failed(
                f"{quoted(pair.leader)} and {quoted(pair.follower)} are not kept the same by a trigger. "
                "Nothing was changed.",
                "expand the column in an earlier revision",
            )
        _refuse(work, pair, column.number)
    return copies_of(work, pair, column, type_)


def carry(work: Work, pair: Pair, copies: Copies) -> None:
    """The steps after the rows: NOT NULL, indexes, checks and foreign keys."""
    if copies.column.not_null:
        forbid_null(work, pair.table, pair.follower, pair.schema)
    for index in copies.indexes:
        build(work, index)
    for rule in copies.rules:
        made = Constraint(work, pair.table, pair.schema, rule.name, rule.definition)
        made.add(partial(_foreign_key, work, made, rule) if rule.foreign else made.check_as_found)
        made.prove()


def _foreign_key(work: Work, made: Constraint, rule: Rule) -> str:
    """How Constraint tells it, where it is as it should be."""
    told, found = work.ask(
        f"SELECT {DEFINITION}, regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') {made.found}"
    )[0]
    return str(told) if found == rule.definition else rule.definition


def _add(work: Work, pair: Pair, copies: Copies, type_: str) -> None:
    def done() -> bool:
        if pair.has_trigger(work):
            return True
        work.claim()
        work.start_over()
        return False

    title = "add the column and the trigger"
    with work.step(title):
        if not done():
            work.in_transaction(title, lambda: _make(work, pair, copies, type_))


def _make(work: Work, pair: Pair, copies: Copies, type_: str) -> None:
    added = f"ADD COLUMN {quoted(pair.follower)} {type_ or copies.column.type}"
    work.run(f"ALTER TABLE {pair.target} {added}")
    if copies.column.comment:
        on = f"{pair.target}.{quoted(pair.follower)}"
        work.run(f"COMMENT ON COLUMN {on} IS {value(copies.column.comment)}")
    pair.make_function(work)
    work.run(pair.trigger_sql(work))


def take_away(work: Work, pair: Pair, title: str) -> None:
    """One step: no trigger, no function and no follower."""

    def body() -> None:
        for sql in pair.drop_trigger(work):
            work.run(sql)
        work.run(f"ALTER TABLE {pair.target} DROP COLUMN IF EXISTS {quoted(pair.follower)}")

    def done() -> bool:
        return not pair.has_trigger(work) and not pair.has_column(work, pair.follower)

    with work.step(title):
        if not done():
            work.in_transaction(title, body)


def exchange(work: Work, pair: Pair, copies: Copies, type_: str = "", keep: bool = False) -> None:
    """Inside of a transaction: the follower gets the leader's default, sequence, indexes' and constraints'
    names. What the leader had is dropped, or with ``keep`` named as the copies were, but for the indexes of
    its primary key and unique constraints. ``type_`` is what the sequence counts in then."""
    table, column = f"ALTER TABLE {pair.target}", copies.column
    if column.sequence:
        if type_ in ("smallint", "integer", "bigint"):
            work.run(f"ALTER SEQUENCE {column.sequence} AS {type_}")
        work.run(f"ALTER SEQUENCE {column.sequence} OWNED BY {pair.target}.{quoted(pair.follower)}")
    if column.default is not None:
        work.run(f"{table} ALTER COLUMN {quoted(pair.leader)} DROP DEFAULT")
        work.run(f"{table} ALTER COLUMN {quoted(pair.follower)} SET DEFAULT {column.default}")
    schema = work.ask(f"SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = {pair.oid}")[0][0]
    for index in copies.indexes:
        if index.contype:
            _hand_over_key(work, table, index)
        else:
            drop, rename = f"DROP INDEX {schema}.{{}}", f"ALTER INDEX {schema}.{{}} RENAME TO {{}}"
            _hand_over(work, "" if keep else drop, rename, index.original, index.name)
    for rule in copies.rules:
        drop, rename = f"{table} DROP CONSTRAINT {{}}", f"{table} RENAME CONSTRAINT {{}} TO {{}}"
        _hand_over(work, "" if keep else drop, rename, rule.original, rule.name)


def _hand_over_key(work: Work, table: str, index: Copied) -> None:
    kind, name = "PRIMARY KEY" if index.contype == "p" else "UNIQUE", quoted(index.original)
    work.run(f"{table} DROP CONSTRAINT {name}")
    work.run(f"{table} ADD CONSTRAINT {name} {kind} USING INDEX {quoted(index.name)}{index.when}")


def _hand_over(work: Work, drop: str, rename: str, original: str, copy: str) -> None:
    if drop:
        work.run(drop.format(quoted(original)))
        work.run(rename.format(quoted(copy), quoted(original)))
        return
    for was, now in ((original, SWAPPED), (copy, original), (SWAPPED, copy)):
        work.run(rename.format(quoted(was), quoted(now)))


def _refuse(work: Work, pair: Pair, number: int) -> None:
    found = work.ask(WHOLE.format(oid=pair.oid))[0][0]
    if found:
        raise work.failed(
            f"{pair.target} cannot be expanded, as {found}. Nothing was changed.",
            "change the column in a maintenance window: op.alter_column",
        )
    if pair.has_column(work, pair.follower):
        raise work.failed(
            f"{pair.target} has a column {quoted(pair.follower)} already. Nothing was changed.",
            "drop or rename that column first",
        )
    hanging = [name for (name,) in work.ask(IN_THE_WAY.format(oid=pair.oid, number=number))]
    if hanging:
        raise work.failed(
            f"no copy can be made of what hangs on {quoted(pair.leader)}: {'; '.join(hanging)}. "
            "Nothing was changed.",
            "drop these in an earlier revision and make them again, for the new column, in a later one",
        )
