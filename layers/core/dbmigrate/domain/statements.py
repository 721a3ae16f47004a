"""What can be read off executed SQL about the data that it destroys. Deliberately cautious: a doubt counts as
a loss."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

NAME = r'(?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))?'
UPDATE = re.compile(
    rf"\bUPDATE\s+(?:ONLY\s+)?({NAME})(?:\s+(?:AS\s+)?(?!SET\b)\w+)?\s+SET\s+(.*)", re.IGNORECASE | re.DOTALL
)
DELETE = re.compile(rf"\b(?:DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?({NAME})", re.IGNORECASE)
ASSIGNED = re.compile(r'(?:^|,)\s*("[^"]+"|\w+)\s*=(?!=)')
WIDER = re.compile(
    r"character varying(\(\d+\))? -> (text|character varying.*)|(integer|smallint) -> bigint|smallint -> integer"
)


def qualified(name: str) -> str:
    """The name with its schema, unquoted; public where none is written."""
    parts = [part.strip('"') for part in re.findall(r'"[^"]+"|\w+', name)]
    return ".".join(parts if len(parts) > 1 else ["public", *parts])


def overwrites(statements: Iterable[str]) -> list[str]:
    """Columns that an UPDATE sets, as schema.table.column."""
    found = []
    for statement in statements:
        for match in UPDATE.finditer(statement):
            table, assignments = qualified(match[1]), _outside_parentheses(match[2])
            found += [
                f"{table}.{column.strip(chr(34))}" for column in ASSIGNED.findall(_until_where(assignments))
            ]
    return found


def deletes(statements: Iterable[str]) -> list[str]:
    """Tables that a DELETE or TRUNCATE empties, as schema.table."""
    return sorted({qualified(match[1]) for statement in statements for match in DELETE.finditer(statement)})


def retyped(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Columns whose type changed to one that may not hold every value."""
    old, new = before.get("column", {}), after.get("column", {})
    changed = [(name, _type(old[name]), _type(new[name])) for name in old if name in new]
    return [name for name, was, now in changed if was != now and not WIDER.fullmatch(f"{was} -> {now}")]


def _type(definition: str) -> str:
    return re.split(r" (?:NOT NULL|IDENTITY|GENERATED|DEFAULT|COLLATE|STORAGE)\b", definition)[0]


def _outside_parentheses(text: str) -> str:
    while "(" in text and (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text


def _until_where(text: str) -> str:
    return re.split(r"\b(?:WHERE|FROM|RETURNING)\b|;|--", text, maxsplit=1, flags=re.IGNORECASE)[0]
