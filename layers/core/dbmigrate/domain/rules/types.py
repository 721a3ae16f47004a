"""Rules about columns and types that somebody will regret, though nothing waits for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.columns import column
from dbmigrate.domain.effects import Act
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules.look import acts, numbered, short, sized
from dbmigrate.domain.rules.register import rule
from dbmigrate.domain.rules.revision_text import execute, revision, sql_name, word

FIXED_LENGTH = re.compile(r"character(?:\(\d+\))?(?:\[\])*")


def new_columns(facts: Facts) -> Iterator[tuple[int, Act, str]]:
    """Columns that the revision makes, those of new tables among them, with their statement and type."""
    existing = facts.before.get("column", {})
    for number, effects in numbered(facts):
        for act in effects.did("add column"):
            if act.name not in existing:
                yield number, act, column(act.now or "").type
        for act in effects.did("create table"):
            for name, definition in _columns(facts, act):
                yield number, Act("add column", act.name, name, now=definition), column(definition).type


def _columns(facts: Facts, table: Act) -> Iterator[tuple[str, str]]:
    """The columns with which a new table ends; a partition has those of its parent."""
    if not (table.now or "").startswith("PARTITION OF"):
        for name, definition in facts.after.get("column", {}).items():
            if name.rpartition(".")[0] == table.name:
                yield name, definition


@rule(
    "DM175",
    "a required column that nothing fills",
    hurts="ADD COLUMN … NOT NULL without a default fails on the live table as soon as it holds one row; and "
    "from then on "
    "every insert of the application that still runs fails, because it does not know the column",
    instead="add it with a constant default, which costs nothing; or nullable, filled with op.backfill, "
    "and op.set_not_null in a later plan, when every instance that runs writes it",
)
def required_column(facts: Facts) -> Iterator[Hit]:
    """A column is added to a table that exists today, NOT NULL, and neither a default nor an identity nor an
    expression fills it. The rehearsal itself fails where the table holds a row. Severity: block."""
    for number, _, act in acts(facts, "add column"):
        seen = column(act.now or "")
        if seen.must_be_given:
            yield Hit(
                "block",
                f"{short(act.name)} is added to {sized(facts, act.table)} as NOT NULL without a default: it "
                f"fails as soon "
                "as the table holds a row, and inserts of the old application fail from then on.",
                number,
                act.table,
                instead=_nullable(act, seen.type),
            )


def _nullable(act: Act, type_: str) -> str:
    on, name = f"ALTER TABLE {sql_name(act.table)}", word(short(act.name))
    return revision(execute(f"{on} ADD COLUMN {name} {type_}"), execute(f"{on} DROP COLUMN {name}"))


@rule(
    "DM181",
    "json that cannot be compared",
    hurts="json has no equality: SELECT DISTINCT, GROUP BY and UNION over the column fail, queries that name "
    "* among "
    "them; and every read parses the text again",
    instead="jsonb",
)
def plain_json(facts: Facts) -> Iterator[Hit]:
    """A column of type json is made. Severity: review on a table that exists today, whose queries may meet it
    by *; note on a new one."""
    for number, act, type_ in new_columns(facts):
        if type_.removesuffix("[]") == "json":
            severity = "review" if facts.exists(act.table) else "note"
            text = (
                f"{act.name} is json: SELECT DISTINCT and GROUP BY over it fail. jsonb holds the same values."
            )
            yield Hit(severity, text, number, act.table)


@rule(
    "DM182",
    "a time without its zone",
    hurts="timestamp keeps what the clock on the wall said and not where: two servers, or a day in October, "
    "and "
    "nobody knows the moment any more",
    instead="timestamptz (sa.DateTime(timezone=True)); it takes the same eight bytes",
)
def plain_timestamp(facts: Facts) -> Iterator[Hit]:
    """A column of type timestamp without time zone is made. Severity: note."""
    for number, act, type_ in new_columns(facts):
        if type_.startswith("timestamp") and type_.endswith("without time zone"):
            yield Hit("note", f"{act.name} is {type_}: it names no moment.", number, act.table)


@rule(
    "DM183",
    "a text that is padded with blanks",
    hurts="char(n) is stored with blanks up to n, is no faster than text, and its comparisons ignore blanks "
    "at the end",
    instead="text, with a CHECK on its length where there is one",
)
def fixed_length(facts: Facts) -> Iterator[Hit]:
    """A column of type char(n) is made. Severity: note."""
    for number, act, type_ in new_columns(facts):
        if FIXED_LENGTH.fullmatch(type_):
            yield Hit("note", f"{act.name} is {type_}: shorter values are padded.", number, act.table)
