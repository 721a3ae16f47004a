"""Rules about what a statement reaches besides what it names, and about names that are not what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.effects import Act, Effects
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules.look import listed, lock_on, numbered, short, sized, worst
from dbmigrate.domain.rules.register import rule
from dbmigrate.domain.statements import COMMENT, LITERAL

DROP_DATABASE = re.compile(r"^\s*DROP\s+DATABASE\s+(?:IF\s+EXISTS\s+)?(\S+)", re.IGNORECASE)
CASCADE = re.compile(r"\bCASCADE\b", re.IGNORECASE)
# ON DELETE CASCADE is part of a foreign key, and CREATE EXTENSION ... CASCADE brings things.
DROPS = re.compile(r"^\s*(?:DROP(?!\s+SCHEMA)|ALTER)\b", re.IGNORECASE)
WORDS = re.compile(r'"((?:[^"]|"")*)"|(\w+)')
LONGEST = 63
MADE = ("create table", "create view", "create index")


@rule(
    "DM184",
    "a domain's constraint reads every table that uses it",
    hurts="ADD CONSTRAINT on a domain, and SET NOT NULL, read each table that has a column of it, and hold "
    "SHARE on all "
    "of them: inserts, updates and deletes wait until the last one is read",
    instead="ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in the next revision; the rows are read "
    "then too, "
    "table by table under SHARE, so choose a quiet hour, or move the check to the tables",
)
def domain_constraint(facts: Facts) -> Iterator[Hit]:
    """A constraint is added to a domain, and tables that exist today are locked against writes for it.
    Severity: note while they are under 10 MiB, block from there on."""
    for number, effects in numbered(facts):
        for act in effects.did("add domain constraint"):
            tables = [lock.relation for lock in effects.locks if facts.exists(lock.relation)]
            read = [table for table in tables if table in effects.scans] or tables
            if read and "NOT VALID" not in (act.now or effects.sql.upper()):
                lock = lock_on(effects, read[0]) or "SHARE"
                yield Hit(
                    worst(facts, read),
                    f"the new constraint of {act.name} reads {listed(sized(facts, each) for each in read)} "
                    f"under {lock}: "
                    "inserts, updates and deletes wait.",
                    number,
                    read[0],
                    lock,
                )


@rule(
    "DM185",
    "a schema or a database is dropped",
    hurts="everything in it goes at once: tables, functions, and what other teams put there without a "
    "revision; nobody reads "
    "a list of it first",
    instead="drop what is in it by name, revision by revision, and the empty schema last, without CASCADE",
)
def container_dropped(facts: Facts) -> Iterator[Hit]:
    """A schema that was there before the plan is dropped with tables in it, or a database. Severity: block;
    note for a schema in which no table stands any more."""
    for number, effects in numbered(facts):
        if match := DROP_DATABASE.match(effects.sql):
            yield Hit("block", f"DROP DATABASE {match[1]}: all that is in it is gone.", number)
    schemas = facts.start.get("schema", {})
    for kind, name, now in facts.evidence.changes:
        if kind == "schema" and now is None and name in schemas:
            at, inside = _dropping(facts, name)
            if inside:
                yield Hit("block", f"schema {name} is dropped with {listed(inside)}.", at)


def _dropping(facts: Facts, schema: str) -> tuple[int | None, list[str]]:
    """The statement that drops it, and the tables that it takes along."""
    for number, effects in numbered(facts):
        text = COMMENT.sub(" ", effects.sql)
        if re.match(rf'\s*DROP\s+SCHEMA\b.*(?<!\w)"?{re.escape(schema)}"?', text, re.IGNORECASE | re.DOTALL):
            gone = [act.name for act in effects.did("drop table") if act.name.startswith(f"{schema}.")]
            return number, gone
    return None, []


@rule(
    "DM186",
    "CASCADE takes more than was named",
    hurts="DROP … CASCADE drops whatever depends on the object, on this server, today: views, foreign keys "
    "of other tables, "
    "columns of a type. On the live server that may be more than on scratch, and nobody has read it",
    instead="drop each of them by name, and leave CASCADE out: the revision then fails where something else "
    "depends on it",
)
def cascade(facts: Facts) -> Iterator[Hit]:
    """A statement with CASCADE drops views, constraints, columns, triggers or tables that it does not name,
    and that were there before the plan. Severity: review."""
    for number, effects in numbered(facts):
        text = COMMENT.sub(" ", LITERAL.sub("''", effects.sql))
        if not (DROPS.match(text) and CASCADE.search(text)):
            continue
        named = _words(text)
        reached = [
            act for act in effects.acts if act.kind.startswith("drop ") and _is_reached(act, effects, named)
        ]
        known = [act for act in reached if facts.exists(act.table) or _was_there(facts, act)]
        if known:
            what = listed(dict.fromkeys(f"{act.kind.removeprefix('drop ')} {act.name}" for act in known))
            yield Hit("review", f"CASCADE drops {what} as well.", number, known[0].table or None)


def _words(text: str) -> set[str]:
    return {quoted or plain.lower() for quoted, plain in WORDS.findall(text)}


def _is_reached(act: Act, effects: Effects, named: set[str]) -> bool:
    """Whether it is neither named nor a part of a table or column that is: its own indexes and
    constraints."""
    if act.kind == "drop not null" or short(act.name) in named:
        return False
    own = {each.name for each in effects.did("drop table", "drop column") if short(each.name) in named}
    inside = act.kind in ("drop index", "drop constraint", "drop trigger", "drop column")
    return not (inside and act.table in {*own, *(name.rpartition(".")[0] for name in own)})


def _was_there(facts: Facts, act: Act) -> bool:
    return any(act.name in facts.start.get(kind, {}) for kind in ("relation", "constraint", "view"))


@rule(
    "DM187",
    "where a table lands depends on search_path",
    hurts="a name without a schema goes to the first schema of the session's search_path; another role, "
    "another server or "
    "the next revision, which begins with the settings of the login again, finds it elsewhere or not at all",
    instead='write the schema: CREATE TABLE billing.invoices, op.create_table(…, schema="billing")',
)
def by_search_path(facts: Facts) -> Iterator[Hit]:
    """A table, a view or an index is made outside of public, and its statement names no schema. Severity:
    review."""
    for number, effects in numbered(facts):
        words = _words(COMMENT.sub(" ", effects.sql))
        for act in effects.did(*MADE[:2]):
            schema = act.name.partition(".")[0]
            if schema not in ("public", *words) and short(act.name) in words:
                text = f"{act.name} is in {schema} only because search_path said so; the statement does not."
                yield Hit("review", text, number, act.name)


@rule(
    "DM188",
    "a name that PostgreSQL cuts",
    hurts="names end after 63 bytes, with a NOTICE and no error: the object bears another name than the code "
    "says, a later "
    "DROP … IF EXISTS by the full name works by accident, and two long names that begin alike are the same",
    instead="a name of at most 63 bytes (letters other than a to z count two or more)",
)
def cut_names(facts: Facts) -> Iterator[Hit]:
    """A word of the SQL is longer than 63 bytes, and what the statement made bears the cut one. Severity:
    review."""
    for number, effects in numbered(facts):
        made = {part for act in effects.acts for part in (*act.name.split("."), *(act.now or "").split("."))}
        made |= {
            part for _, name, now in facts.evidence.changes if now is not None for part in name.split(".")
        }
        for name in sorted(_words(COMMENT.sub(" ", LITERAL.sub("''", effects.sql)))):
            cut = name.encode()[:LONGEST].decode(errors="ignore")
            if cut != name and cut in made:
                yield Hit("review", f"{name} becomes {cut}: names end after 63 bytes.", number)
