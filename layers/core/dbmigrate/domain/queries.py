"""The application's own queries, as pg_stat_statements or a person wrote them down, and what became of
them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dbmigrate.domain.errors import BadRequest

PLANNED = re.compile(r"\s*\(*\s*(?:SELECT|INSERT|UPDATE|DELETE|MERGE|VALUES|WITH|TABLE)\b", re.IGNORECASE)
SEARCH_PATH = re.compile(
    r"\s*SET\s+(?:SESSION\s+|LOCAL\s+)?search_path\s*(?:=|\bTO\b)\s*(.+)", re.IGNORECASE | re.DOTALL
)
# What a semicolon, a line's end or a $1 means nothing in.
CLOSED = re.compile(
    r"--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|\bE'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"",
    re.DOTALL | re.IGNORECASE,
)
PARAMETER = re.compile(r"(?<!\w)\$(\d+)")
# pg_stat_statements puts a $1 where the grammar wants a literal.
TYPED = re.compile(r"(?<![\w.])(interval|date|timestamp|timestamptz|time)\s+(\$\d+)", re.IGNORECASE)
CSV_LINES = 10_000_000


@dataclass(frozen=True)
class Query:
    """One query. ``search_path`` is what the file set before it, None for that of the login."""

    text: str
    search_path: str | None = None

    @property
    def parameters(self) -> int:
        """How many values it wants: the highest $n."""
        return max((int(number) for number in PARAMETER.findall(_blanked(self.text))), default=0)


@dataclass(frozen=True)
class Checked:
    """``broken`` are (query, PostgreSQL's words) by the revision after which it no longer planned.
    ``unjudged`` did not plan before the first revision either; ``judged`` is how many did."""

    judged: int = 0
    broken: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    unjudged: tuple[tuple[str, str], ...] = ()


def read_queries(text: str) -> tuple[Query, ...]:
    """The queries of a file: JSON, a list of texts or of objects with ``query``; CSV with a column ``query``;
    else SQL, parted by semicolons, or a query a line where there are none. Each is taken once; statements
    that are not planned are passed over, but SET search_path holds for what follows.

    Raises BadRequest when there is none."""
    found: dict[Query, None] = {}
    path: str | None = None
    for statement in _statements(text):
        setting = SEARCH_PATH.fullmatch(statement)
        if setting:
            path = setting[1].strip()
        elif PLANNED.match(CLOSED.sub(_without_comment, statement)):
            found.setdefault(Query(TYPED.sub(r"\2::\1", statement), path))
    if not found:
        raise BadRequest(
            "The file of queries holds no SELECT, INSERT, UPDATE or DELETE.",
            "export them: psql -c 'COPY (SELECT query FROM pg_stat_statements) TO STDOUT (FORMAT csv, "
            "HEADER)'",
        )
    return tuple(found)


def _statements(text: str) -> Iterator[str]:
    text = text.lstrip("\ufeff")
    if text.lstrip().startswith("["):
        texts = _of_json(text)
    else:
        header = next(csv.reader(io.StringIO(text)), [])
        column = next((name for name in header if name.strip().lower() == "query"), None)
        texts = _of_csv(text, column) if column is not None else _of_sql(text)
    for each in texts:
        yield from (part.strip() for part in _parted(each, ";") if part.strip())


def _of_json(text: str) -> list[str]:
    try:
        values = json.loads(text)
        return [str(value["query"]) if isinstance(value, dict) else str(value) for value in values]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(
            f"The file of queries begins like JSON and is none of queries: {error}.",
            'write a list of texts, or of objects with "query"',
        ) from error


def _of_csv(text: str, column: str) -> list[str]:
    csv.field_size_limit(CSV_LINES)
    return [row[column] or "" for row in csv.DictReader(io.StringIO(text))]


def _of_sql(text: str) -> list[str]:
    return [text] if ";" in _blanked(text) else _parted(text, "\n")


def _parted(text: str, at: str) -> list[str]:
    """Its parts, where a quote, a comment or a body parts nothing."""
    plain, parts, begin = _blanked(text), [], 0
    for position, letter in enumerate(plain):
        if letter == at:
            parts.append(text[begin:position])
            begin = position + 1
    return [*parts, text[begin:]]


def _blanked(text: str) -> str:
    """The text with blanks for what is quoted or a comment, as long as it was."""
    return CLOSED.sub(lambda found: " " * len(found[0]), text)


def _without_comment(found: re.Match[str]) -> str:
    return " " if found[0].startswith(("--", "/*")) else found[0]
