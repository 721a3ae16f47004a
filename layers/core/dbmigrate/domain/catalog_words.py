"""A catalog's definitions in words and SQL types, as a person reads them. Nothing here decides anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

MOST_TEXT = 160
"""Characters of an expression, a query or a comment that one line shows."""
QUOTED = re.compile(r'"((?:[^"]|"")+)"')
PART = r'(?:"(?:[^"]|"")+"|[^\s".(,;]+)'
OUTSIDE_LITERALS = r"(?=(?:[^']*'[^']*')*[^']*$)"
SHORT_TYPES = (
    (re.compile(r"\bcharacter varying\b"), "varchar"),
    (re.compile(r"\bcharacter(?=\(|\b(?! set))"), "char"),
    (re.compile(r"\btimestamp(\(\d\))? with time zone"), r"timestamptz\1"),
    (re.compile(r"\btimestamp(\(\d\))? without time zone"), r"timestamp\1"),
    (re.compile(r"\btime(\(\d\))? with time zone"), r"timetz\1"),
    (re.compile(r"\btime(\(\d\))? without time zone"), r"time\1"),
)
PLAINER = (
    (re.compile(r"('(?:[^']|'')*')::(?:character varying|text|bpchar)(?:\(\d+\))?(?!\[)"), r"\1"),
    (re.compile(r"\((\w+|'(?:[^']|'')*')\)::text(?!\[)"), r"\1"),
    (re.compile(r" = ANY \(ARRAY\[([^\[\]]*)\]\)"), r" IN (\1)"),
)
COLUMN = re.compile(
    r"(?P<type>.*?)(?: COLLATE (?P<collate>\S+))?(?: STORAGE (?P<storage>\w+))?"
    r"(?: COMPRESSION (?P<compression>\w+))?(?: STATISTICS (?P<statistics>\d+))?"
    r"(?: OPTIONS \((?P<options>.*?)\))?(?P<null> NOT NULL)?"
    r"(?: IDENTITY (?P<identity>ALWAYS|BY DEFAULT))?"
    r"(?: (?:DEFAULT (?P<default>.*)|GENERATED (?P<generated>.*)))?",
    re.DOTALL,
)
CREATED_INDEX = re.compile(
    rf"CREATE (?P<unique>UNIQUE )?INDEX {PART} ON (?:ONLY )?(?P<table>{PART}(?:\.{PART})?)"
    r" USING (?P<method>\w+) (?P<rest>.*)",
    re.DOTALL,
)
CREATED_STATISTICS = re.compile(rf"CREATE STATISTICS \S+ (?P<rest>.*) FROM (?P<table>{PART}(?:\.{PART})?)")
CREATED_TRIGGER = re.compile(
    rf"CREATE (?:CONSTRAINT )?TRIGGER {PART} (?P<when>.*?) ON {PART}(?:\.{PART})? (?P<rest>.*)", re.DOTALL
)
CREATED_RULE = re.compile(rf"CREATE RULE {PART} AS (?P<rest>.*)", re.DOTALL)
CONSTRAINTS = (
    ("FOREIGN KEY", "foreign key"),
    ("PRIMARY KEY", "primary key"),
    ("UNIQUE", "unique constraint"),
    ("EXCLUDE", "exclusion constraint"),
    ("CHECK", "check"),
    ("NOT NULL", "not null"),
)
RELATIONS = {
    "r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "S": "sequence",
    "f": "foreign table",
}  # fmt: skip
PERSISTENCE = {"p": "permanent", "u": "unlogged", "t": "temporary"}
KINDS = {"enum": "enum type", "range": "range type", "composite": "composite type"}


def plain(name: str) -> str:
    """A name as it is in a catalog's identities: without quotes."""
    return QUOTED.sub(lambda found: found[1].replace('""', '"'), name)


def short_type(text: str) -> str:
    """PostgreSQL's spelled-out types as people write them: ``timestamptz``, ``varchar(20)``."""
    for pattern, short in SHORT_TYPES:
        text = pattern.sub(short, text)
    return text


def one_line(text: str) -> str:
    """Text folded to one line without the casts that PostgreSQL spells out, cut after MOST_TEXT
    characters."""
    folded = " ".join(text.split()).rstrip(";")
    for pattern, plainer in PLAINER:
        folded = pattern.sub(plainer, folded)
    return folded if len(folded) <= MOST_TEXT else folded[: MOST_TEXT - 1].rstrip() + "…"


def column_parts(definition: str) -> dict[str, str]:
    """What a column is, by aspect: its type, whether it may be null, its default and so on."""
    found = COLUMN.fullmatch(definition)
    given = found.groupdict() if found else {"type": definition}
    parts = {aspect: what for aspect, what in given.items() if what and aspect != "null"}
    parts["type"] = short_type(parts["type"])
    return {**parts, "null": "not null" if given.get("null") else "nullable"}


def column(definition: str) -> str:
    """``bigint, not null, default 5``."""
    parts = column_parts(definition)
    said = [parts.pop("type"), parts.pop("null")]
    if "identity" in parts:
        said = [said[0], f"identity {parts.pop('identity').lower()}"]
    return ", ".join(said + [f"{aspect} {one_line(what)}" for aspect, what in parts.items()])


def short_column(name: str, definition: str) -> str:
    """A column of a new table: ``id bigint not null``."""
    parts = column_parts(definition)
    said = [name, parts["type"], "" if parts["null"] == "nullable" else "not null"]
    said += [f"{aspect} {one_line(parts[aspect])}" for aspect in ("default", "generated") if aspect in parts]
    said[2] = "identity" if "identity" in parts else said[2]
    return " ".join(filter(None, said))


def column_change(was: str, now: str) -> tuple[str, str]:
    """Only the aspects in which two definitions differ."""
    old, new = column_parts(was), column_parts(now)
    differing = [aspect for aspect in {**old, **new} if old.get(aspect) != new.get(aspect)]
    return _aspects(old, differing), _aspects(new, differing)


def _aspects(parts: Mapping[str, str], differing: list[str]) -> str:
    said = []
    for aspect in differing:
        what = one_line(parts.get(aspect, ""))
        said.append(what if aspect in ("type", "null") else f"{aspect} {what}" if what else f"no {aspect}")
    return ", ".join(said)


def index_table(definition: str) -> str:
    """The table that an index is on, by its definition."""
    found = CREATED_INDEX.match(definition)
    return plain(found["table"]) if found else ""


def statistics_table(definition: str) -> str:
    """The table that extended statistics are about."""
    found = CREATED_STATISTICS.match(definition)
    return plain(found["table"]) if found else ""


def _index(definition: str) -> str:
    found = CREATED_INDEX.fullmatch(definition)
    if not found:
        return one_line(definition)
    using = "" if found["method"] == "btree" else f"using {found['method']} "
    return one_line(f"{'unique ' if found['unique'] else ''}{using}{found['rest']}")


def _constraint(definition: str) -> str:
    for begin, _ in CONSTRAINTS:
        definition = definition.removeprefix(begin + " ")
    definition = re.sub(
        rf" REFERENCES ({PART}\.)?", lambda found: f" -> {found[1] or ''}", definition, count=1
    )
    definition = re.sub(r"^\(\((.*)\)\)", r"(\1)", definition, flags=re.DOTALL)
    for words in ("NOT VALID", "DEFERRABLE", "INITIALLY DEFERRED", "NOT ENFORCED"):
        definition = re.sub(f" {words}{OUTSIDE_LITERALS}", f", {words.lower()}", definition)
    return one_line(re.sub(r" ON (DELETE|UPDATE) (CASCADE|SET NULL|RESTRICT|SET DEFAULT)",
                           lambda found: f", {found[0].strip().lower()}", definition))  # fmt: skip


def _trigger(definition: str) -> str:
    found = CREATED_TRIGGER.fullmatch(definition)
    return one_line(f"{found['when']} {found['rest']}" if found else definition)


def _rule(definition: str) -> str:
    found = CREATED_RULE.fullmatch(re.sub(r";( [A-Z]+)?$", r"\1", " ".join(definition.split())))
    return one_line(found["rest"] if found else definition)


def _statistics(definition: str) -> str:
    found = CREATED_STATISTICS.match(definition)
    return one_line(found["rest"] if found else definition)


def relation_parts(definition: str) -> list[str]:
    """What is out of the ordinary about a relation: ``unlogged``, ``row security``, ``partition of …``."""
    _, persistence, *parts = [*re.split(r"\|" + OUTSIDE_LITERALS, definition), ""]
    special = [] if persistence in ("", "p") else [PERSISTENCE.get(persistence, persistence)]
    return special + [part for part in parts if part]


def _function(definition: str) -> str:
    head = re.split(r"\n(?:AS |BEGIN ATOMIC| ?RETURN )", definition, maxsplit=1)[0]
    return one_line(short_type(re.sub(r"^CREATE OR REPLACE (?:FUNCTION|PROCEDURE) \S+?\(.*?\)\n", "", head)))


WORDING: dict[str, Callable[[str], str]] = {
    "column": column,
    "index": _index,
    "constraint": _constraint,
    "trigger": _trigger,
    "rule": _rule,
    "statistics": _statistics,
    "relation": lambda definition: ", ".join(relation_parts(definition)),
    "function": _function,
    "enum": lambda definition: definition.replace(",", ", "),
    "schema": lambda definition: "",
    "grant": lambda rights: "nothing, where PUBLIC has rights by default" if rights == "nothing" else rights,
}


def words(kind: str, definition: str) -> str:
    """What an object is, on one line."""
    worded = WORDING.get(kind)
    return worded(definition) if worded else short_type(one_line(definition))


def what(kind: str, definition: str) -> str:
    """What one calls an object: "table", "foreign key", "unique index"."""
    if kind == "relation":
        return RELATIONS.get(definition[:1], kind)
    if kind == "constraint":
        return next((word for begin, word in CONSTRAINTS if definition.startswith(begin)), kind)
    if kind == "function":
        begin = definition[:40]
        return (
            "aggregate" if begin.startswith("AGGREGATE") else "procedure" if " PROCEDURE " in begin else kind
        )
    return KINDS.get(kind, kind)
