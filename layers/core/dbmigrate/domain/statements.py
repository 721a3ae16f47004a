"""What can be read off executed SQL about the data that it destroys. Deliberately cautious: a doubt counts as
a loss."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

WORD = r'(?:"[^"]+"|\w+)'
NAME = rf"{WORD}(?:\.{WORD})?"
ALIAS = rf"(?:\s*\*)?(?:\s+(?:AS\s+)?(?!SET\b){WORD})?"
UPDATE = re.compile(rf"\bUPDATE\s+(?:ONLY\s+)?({NAME}){ALIAS}\s+SET\s+(.*)", re.IGNORECASE | re.DOTALL)
UPSERT = re.compile(
    rf"\bINSERT\s+INTO\s+({NAME})(?:(?!\bINSERT\b).)*?\bDO\s+UPDATE\s+SET\s+(.*)",
    re.IGNORECASE | re.DOTALL,
)
DELETE = re.compile(rf"\b(?:DELETE\s+FROM|MERGE\s+INTO)\s+(?:ONLY\s+)?({NAME})", re.IGNORECASE)
LISTED = rf"(?:ONLY\s+)?{NAME}(?:\s*\*)?"
TRUNCATE = re.compile(rf"\bTRUNCATE(?:\s+TABLE)?\s+({LISTED}(?:\s*,\s*{LISTED})*)", re.IGNORECASE)
ASSIGNED = re.compile(rf"(?:^|,)\s*({WORD})\s*=(?!=)")
ROW_ASSIGNED = re.compile(rf"(^|,)\s*\(((?:\s*{WORD}\s*,?)+)\)\s*=")
COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
LITERAL = re.compile(r"'(?:[^']|'')*'")
WIDER = re.compile(
    r"character varying(\(\d+\))? -> (text|character varying)"
    r"|(integer|smallint) -> bigint|smallint -> integer"
)
VARCHAR = re.compile(r"character varying\((\d+)\)")
BEHIND_TYPE = re.compile(
    r" (?:NOT NULL|IDENTITY|GENERATED|DEFAULT|COLLATE|STORAGE|COMPRESSION|STATISTICS|OPTIONS)\b"
)


def qualified(name: str) -> str:
    """The name with its schema, unquoted; public where none is written."""
    parts = [part[1:-1] if part[0] == '"' else part.lower() for part in re.findall(r'"[^"]+"|\w+', name)]
    return ".".join(parts if len(parts) > 1 else ["public", *parts])


def overwrites(statements: Iterable[str]) -> list[str]:
    """Columns that an UPDATE sets, as schema.table.column."""
    found = []
    for text in _readings(statements):
        for pattern in (UPDATE, UPSERT):
            # An inner statement begins inside of what an outer one matched, hence not finditer.
            at = 0
            while match := pattern.search(text, at):
                at = match.start() + 1
                found += [f"{qualified(match[1])}.{column}" for column in _assigned(match[2])]
    return list(dict.fromkeys(found))


def deletes(statements: Iterable[str]) -> list[str]:
    """Tables that lose rows to a DELETE, MERGE or TRUNCATE, as schema.table."""
    found = set()
    for text in _readings(statements):
        found |= {qualified(match[1]) for match in DELETE.finditer(text)}
        for match in TRUNCATE.finditer(text):
            tables = re.split(r"\s*,\s*", match[1])
            found |= {qualified(re.sub(r"^ONLY\s+", "", table, flags=re.IGNORECASE)) for table in tables}
    return sorted(found)


def retyped(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Columns whose type changed to one that may not hold every value."""
    old, new = before.get("column", {}), after.get("column", {})
    changed = [(name, _type(old[name]), _type(new[name])) for name in old if name in new]
    return [name for name, was, now in changed if was != now and not _is_wider(was, now)]


def _is_wider(was: str, now: str) -> bool:
    short, long = VARCHAR.fullmatch(was), VARCHAR.fullmatch(now)
    if short and long:
        return int(long[1]) >= int(short[1])
    return bool(WIDER.fullmatch(f"{was} -> {now}"))


def _type(definition: str) -> str:
    return BEHIND_TYPE.split(definition)[0]


def _readings(statements: Iterable[str]) -> Iterator[str]:
    """Each statement without its comments, once as it is, since a literal may be code that EXECUTE runs, and
    once with its literals emptied, since they may hold a parenthesis or a keyword."""
    for statement in statements:
        yield COMMENT.sub(" ", statement)
        yield COMMENT.sub(" ", LITERAL.sub("''", statement))


def _assigned(assignments: str) -> list[str]:
    """The columns of a SET list, with those of ``(a, b) = (...)``."""
    flat = ROW_ASSIGNED.sub(
        lambda match: match[1] + ",".join(f"{column} =" for column in re.findall(WORD, match[2])), assignments
    )
    columns = ASSIGNED.findall(_until_where(_outside_parentheses(flat)))
    return [qualified(column).removeprefix("public.") for column in columns]


def _outside_parentheses(text: str) -> str:
    while "(" in text and (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text


def _until_where(text: str) -> str:
    return re.split(r"\b(?:WHERE|FROM|RETURNING)\b|;", text, maxsplit=1, flags=re.IGNORECASE)[0]
