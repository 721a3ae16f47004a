"""Rules about keys: those that nobody finds without a scan, and those that run out of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dbmigrate.domain.columns import column
from dbmigrate.domain.effects import Act, Effects
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules import write_instead as write
from dbmigrate.domain.rules.look import numbered, short
from dbmigrate.domain.rules.register import rule
from dbmigrate.domain.rules.revision_text import call, revision, schema_of, word
from dbmigrate.domain.rules.write_constraints import added

FOREIGN_KEY = re.compile(r"FOREIGN KEY \((.*?)\) REFERENCES (\S+?)\((.*?)\)")
PRIMARY_KEY = re.compile(r"PRIMARY KEY \((.*?)\)")
INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX .*? ON (?:ONLY )?(\S+) USING btree \((.*)")
SMALL = {"smallint": "32 767", "integer": "2 147 483 647"}


@rule(
    "DM179",
    "a foreign key without an index",
    hurts="every DELETE of a referenced row, and every UPDATE of its key, reads the whole referencing table "
    "to see whether "
    "the row is still needed, and keeps its locks meanwhile",
    instead="an index whose first columns are those of the key; op.create_index_concurrently where the table "
    "exists today",
)
def unindexed_key(facts: Facts) -> Iterator[Hit]:
    """A foreign key is new, and at the end of the plan, where it still stands, no index of its table begins
    with its columns. Partial indexes do not count. Severity: review on a table that exists today and is
    large, note otherwise."""
    for number, effects in numbered(facts):
        for name, table, definition in _new_constraints(facts, effects, "FOREIGN KEY"):
            match = FOREIGN_KEY.match(definition)
            if match is None or name not in facts.end.get("constraint", {}):
                continue
            columns = _names(match[1])
            if _has_index(facts.end, table, columns):
                continue
            severity = facts.severity(table, "review") if facts.exists(table) else "note"
            yield Hit(
                severity,
                f"no index of {table} begins with {', '.join(columns)}: every DELETE in {match[2]} reads all "
                f"of {table}.",
                number,
                table,
                instead=_index_first(facts, name, table, columns, definition),
            )


def _new_constraints(facts: Facts, effects: Effects, kind: str) -> Iterator[tuple[str, str, str]]:
    """Name, table and definition of what this statement adds, alone or with a new table."""
    for act in effects.did("add constraint"):
        if (act.now or "").startswith(kind):
            yield act.name, act.table, act.now or ""
    made = {act.name for act in effects.did("create table") if not (act.now or "").startswith("PARTITION OF")}
    told = {act.name for each in facts.evidence.statements for act in each.did("add constraint")}
    for name, definition in facts.after.get("constraint", {}).items() if made else ():
        table = name.rpartition(".")[0]
        if table in made and name not in told and definition.startswith(kind):
            yield name, table, definition


def _has_index(catalog: Mapping[str, Mapping[str, str]], table: str, columns: list[str]) -> bool:
    for definition in catalog.get("index", {}).values():
        match = INDEX.match(definition)
        if match and match[1] == table and " WHERE " not in definition:
            listed = match[2].partition(" INCLUDE (")[0].rpartition(")")[0]
            first = _names(listed)[: len(columns)]
            if sorted(first) == sorted(columns):
                return True
    return False


def _names(columns: str) -> list[str]:
    return [each.strip().partition(" ")[0].strip('"') for each in columns.split(",")]


def _index_first(facts: Facts, name: str, table: str, columns: list[str], definition: str) -> str | None:
    """The index, and then the key; None where the columns are the revision's own."""
    known = all(f"{table}.{each}" in facts.before.get("column", {}) for each in columns)
    if not known or not definition.endswith("NOT VALID"):
        return None
    schema, _, bare = table.rpartition(".")
    index = f"{schema}.ix_{bare}_{'_'.join(columns)}"[: len(schema) + 64]
    build = write.build(
        index, table, f"CREATE INDEX {index} ON {table} USING btree ({', '.join(map(word, columns))})"
    )
    gone = call("op.drop_constraint", short(name), bare, schema=schema_of(table))
    add = added(name, table, definition)
    return revision(f"{build}\n{add}", f"{write.drop(index, table)}\n{gone}") if add else None


@rule(
    "DM180",
    "a key that runs out of numbers",
    hurts="the day after number 2,147,483,647 no row can be inserted any more; the sequence also counts what "
    "was rolled "
    "back, and to make the key a bigint then means to rewrite the table and all that refer to it",
    instead="bigint GENERATED ALWAYS AS IDENTITY (sa.BigInteger, sa.Identity(always=True))",
)
def small_key(facts: Facts) -> Iterator[Hit]:
    """A new table has a primary key of one smallint or integer column that a sequence fills; or a new foreign
    key lies in such a column and refers to a bigint. Severity: note."""
    for number, effects in numbered(facts):
        for _, table, definition in _new_constraints(facts, effects, "PRIMARY KEY"):
            yield from _small_primary(facts, number, table, definition)
        for _, table, definition in _new_constraints(facts, effects, "FOREIGN KEY"):
            yield from _smaller_than_its_target(facts, number, table, definition)


def _small_primary(facts: Facts, number: int, table: str, definition: str) -> Iterator[Hit]:
    match = PRIMARY_KEY.match(definition)
    columns = _names(match[1]) if match else []
    if len(columns) != 1 or facts.exists(table):
        return
    act = Act("add column", table, f"{table}.{columns[0]}", now=_definition(facts, f"{table}.{columns[0]}"))
    seen = column(act.now or "")
    counted = seen.identity or "nextval(" in (act.now or "")
    if seen.type in SMALL and counted:
        text = f"{act.name} is {seen.type}: it ends at {SMALL[seen.type]}."
        yield Hit("note", text, number, table)


def _smaller_than_its_target(facts: Facts, number: int, table: str, definition: str) -> Iterator[Hit]:
    match = FOREIGN_KEY.match(definition)
    pairs = zip(_names(match[1]), _names(match[3]), strict=False) if match else ()
    for own, theirs in pairs:
        small = column(_definition(facts, f"{table}.{own}")).type
        large = column(_definition(facts, f"{match[2] if match else ''}.{theirs}")).type
        if small in SMALL and large == "bigint":
            text = (
                f"{table}.{own} is {small} and refers to a bigint: it ends at {SMALL[small]}, the other "
                "later."
            )
            yield Hit("note", text, number, table)


def _definition(facts: Facts, name: str) -> str:
    return facts.after.get("column", {}).get(name, "")
