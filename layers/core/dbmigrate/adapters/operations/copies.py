"""What hangs on a column, and how PostgreSQL itself would say it of the column that takes its place.

An empty temporary table with the same indexes and checks gets the change, and is read before and after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from dbmigrate.adapters.operations.indexes import DEFINITION, FROM_INDEX, Wanted
from dbmigrate.adapters.operations.look import TWIN, full_name, quoted, value
from dbmigrate.adapters.operations.pair import Pair, copy_name
from dbmigrate.adapters.operations.work import Work

INDEXES = """SELECT c.relname, {definition}, k.contype,
    CASE WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END ||
    CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END
  FROM {from_index} LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
 WHERE i.indrelid = {oid} AND i.indisvalid AND EXISTS (
       SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
          AND d.refobjsubid = {number} AND (d.classid, d.objid) IN (
              ('pg_class'::regclass, i.indexrelid), ('pg_constraint'::regclass, k.oid)))
 ORDER BY c.relname"""
CHECKS = """SELECT k.conname, k.contype, pg_get_constraintdef(k.oid),
       (SELECT string_agg(quote_ident(CASE WHEN a.attnum = {number} THEN {follower} ELSE a.attname END), ', '
                  ORDER BY x.n) FROM unnest(k.conkey) WITH ORDINALITY x(number, n)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.number)
  FROM pg_constraint k WHERE k.contype IN ('c', 'f') AND k.conrelid = {oid} AND {number} = ANY (k.conkey)
 ORDER BY k.conname"""
LEADER = """SELECT a.attnum, format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attcollation <> t.typcollation
            THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END,
       a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
       col_description(a.attrelid, a.attnum),
       (SELECT s.objid::regclass::text FROM pg_depend s WHERE s.classid = 'pg_class'::regclass
           AND s.refclassid = s.classid AND s.refobjid = a.attrelid AND s.refobjsubid = a.attnum
           AND s.deptype = 'a' AND EXISTS (SELECT FROM pg_sequence q WHERE q.seqrelid = s.objid))
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = {oid} AND a.attname = {name} AND NOT a.attisdropped"""
# Read in the constraint's own order: the first list of a foreign key names our columns.
FIRST_LIST = re.compile(r"^FOREIGN KEY \((?:\"(?:[^\"]|\"\")*\"|[^)\"])*\)")


@dataclass(frozen=True)
class Copied(Wanted):
    """An index of the follower. ``tail`` is its definition from USING on; ``contype`` tells of what
    constraint the leader's index is, ``when`` whether that is deferrable."""

    original: str = ""
    tail: str = ""
    contype: str | None = None
    when: str = ""

    def sql(self, table: str, schema: str | None, concurrently: bool) -> str:
        kind = f"{'UNIQUE ' if self.unique else ''}INDEX{' CONCURRENTLY' if concurrently else ''}"
        return f"CREATE {kind} {quoted(self.name)} ON {full_name(schema, table)}{self.tail}"


@dataclass(frozen=True)
class Rule:
    """A check or a foreign key of the follower."""

    name: str
    original: str
    definition: str
    foreign: bool


@dataclass(frozen=True)
class Column:
    """The leader as the catalog has it. ``sequence`` is one that belongs to it, by its full name."""

    number: int
    type: str
    not_null: bool
    default: str | None
    sequence: str | None
    comment: str | None


@dataclass(frozen=True)
class Copies:
    """Everything that the follower has to have before it can take the leader's place."""

    column: Column
    indexes: tuple[Copied, ...]
    rules: tuple[Rule, ...]


def column_of(work: Work, pair: Pair) -> Column | None:
    """The leader; None where the table has no such column."""
    rows = work.ask(LEADER.format(oid=pair.oid, name=value(pair.leader)))
    if not rows:
        return None
    number, type_, not_null, default, comment, sequence = rows[0]
    return Column(number, type_, not_null, default, sequence, comment)


def copies_of(work: Work, pair: Pair, column: Column, type_: str = "") -> Copies:
    """What hangs on the leader, as PostgreSQL says it of the follower, of ``type_`` or the same type."""
    there = {"oid": pair.oid, "number": column.number}
    indexes = work.ask(INDEXES.format(**there, definition=DEFINITION, from_index=FROM_INDEX))
    rules = work.ask(CHECKS.format(**there, follower=value(pair.follower)))
    if not indexes and not rules:
        return Copies(column, (), ())
    retold = work.in_transaction("read the definitions", lambda: _retold(work, pair, type_))
    found = []
    for name, definition, contype, when in indexes:
        new = retold[f"index {definition}"]
        unique, tail = new.startswith("UNIQUE"), " USING " + new.partition(" USING ")[2]
        more = {"original": name, "tail": tail, "contype": contype, "when": when}
        found.append(Copied(copy_name(name), pair.table, pair.schema, (pair.follower,), unique, **more))
    told = tuple(_rule(pair, retold, *row) for row in rules)
    return Copies(column, tuple(found), told)


def _rule(pair: Pair, retold: dict[str, str], name: str, contype: str, definition: str, columns: str) -> Rule:
    if contype == "c":
        return Rule(copy_name(name), name, retold[f"check {name}"], False)
    foreign = FIRST_LIST.sub(lambda _: f"FOREIGN KEY ({columns})", definition).removesuffix(" NOT VALID")
    return Rule(copy_name(name), name, foreign, True)


def _retold(work: Work, pair: Pair, type_: str) -> dict[str, str]:
    """Definitions of the twin after the change, by those before it."""
    leader, follower = quoted(pair.leader), quoted(pair.follower)
    work.ask(
        f"CREATE TEMPORARY TABLE {TWIN} (LIKE {pair.target} INCLUDING INDEXES INCLUDING CONSTRAINTS) "
        "ON COMMIT DROP"
    )
    work.ask(f"ALTER TABLE pg_temp.{TWIN} DROP COLUMN IF EXISTS {follower} CASCADE")
    before = _indexes(work)
    if type_:
        using = f" USING {pair.forward}" if pair.forward else ""
        work.ask(f"ALTER TABLE pg_temp.{TWIN} ALTER COLUMN {leader} TYPE {type_}{using}")
    work.ask(f"ALTER TABLE pg_temp.{TWIN} RENAME COLUMN {leader} TO {follower}")
    after = _indexes(work)
    checks: Any = work.ask(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE conrelid = 'pg_temp.{TWIN}'::regclass AND contype = 'c'"
    )
    told = {f"check {name}": str(definition) for name, definition in checks}
    return told | {f"index {definition}": after[name] for name, definition in before.items()}


def _indexes(work: Work) -> dict[str, str]:
    rows = work.ask(
        f"SELECT c.relname, {DEFINITION} FROM {FROM_INDEX} WHERE i.indrelid = 'pg_temp.{TWIN}'::regclass"
    )
    return dict((name, definition) for name, definition in rows)
