"""What `create --safe` writes with: drafts of revisions, calls as Python, types, names by the convention."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, MetaData, Table
from sqlalchemy import UniqueConstraint as Unique

WIDEST = 100
LONGEST_NAME = 63  # bytes that PostgreSQL keeps of a name
TYPES = {
    "smallint": "sa.SmallInteger()",
    "integer": "sa.Integer()",
    "bigint": "sa.BigInteger()",
    "real": "sa.REAL()",
    "double precision": "sa.Double()",
    "numeric": "sa.Numeric({})",
    "text": "sa.Text()",
    "varchar": "sa.String({})",
    "boolean": "sa.Boolean()",
    "date": "sa.Date()",
    "time": "sa.Time()",
    "timestamp": "sa.DateTime()",
    "timestamptz": "sa.DateTime(timezone=True)",
    "uuid": "sa.Uuid()",
    "json": "sa.JSON()",
    "jsonb": "postgresql.JSONB()",
    "bytea": "sa.LargeBinary()",
}
TYPE = re.compile(
    r"(?P<name>[a-z][a-z ]*[a-z]|[a-z])\s*(?:\((?P<size>\d+(?:\s*,\s*\d+)?)\))?(?P<array>\[\])?"
)
ALIASES = {"int": "integer", "int8": "bigint", "int4": "integer", "bool": "boolean", "decimal": "numeric"}
ALIASES |= {
    "timestamp with time zone": "timestamptz",
    "character varying": "varchar",
    "float": "double precision",
}
CONSTANT = re.compile(
    r"(?:[+-]?\d+(?:\.\d+)?|'(?:[^']|'')*'|true|false|null|now\(\)|current_timestamp|current_date)"
    r"(?:::\s*\w+(?:\s\w+)*(?:\(\d+\))?(?:\[\])?)?",
    re.IGNORECASE,
)
SUFFIXES = {"ix": "idx", "uq": "key", "fk": "fkey", "ck": "check"}


@dataclass(frozen=True)
class Draft:
    """One revision to write: the first line of its docstring, the rest of it, and the two bodies."""

    message: str
    purpose: str
    rollback: str
    up: str
    down: str


class Code(str):
    """Python that stands in a call as it is."""


def call(name: str, *given: Any, **named: Any) -> str:
    """``op.name(…)``; named values that are None, False or empty are left out."""
    parts = [written(value) for value in given]
    parts += [
        f"{key}={written(value)}" for key, value in named.items() if value not in (None, False, [], (), "")
    ]
    line = f"op.{name}({', '.join(parts)})"
    if len(line) <= WIDEST:
        return line
    return "\n".join([f"op.{name}(", *(f"    {part}," for part in parts), ")"])


def written(value: Any) -> str:
    """A value as Python."""
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    return repr(value)


def type_of(text: str) -> Code:
    """The SQLAlchemy type of a type in SQL. Raises click.BadParameter."""
    match = TYPE.fullmatch(" ".join(text.lower().split()))
    name = ALIASES.get(match["name"], match["name"]) if match else ""
    if match is None or name not in TYPES or (match["size"] and "{}" not in TYPES[name]):
        known = ", ".join(TYPES)
        raise click.BadParameter(f"'{text}' is no type that is known here ({known}).", param_hint="TYPE")
    made = TYPES[name].format(match["size"] or "")
    return Code(f"sa.ARRAY({made})" if match["array"] else made)


def is_constant(expression: str) -> bool:
    """Whether PostgreSQL adds a column with this default without touching a row."""
    return CONSTANT.fullmatch(expression.strip()) is not None


def columns_of(text: str) -> tuple[str, ...]:
    """``a,b`` as ("a", "b")."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


class Names:
    """Names of indexes and constraints: by the project's convention, else as PostgreSQL would have chosen."""

    def __init__(self, convention: dict[str, str]) -> None:
        self.convention = convention

    def of(
        self,
        kind: str,
        table: str,
        columns: Sequence[str],
        referent: tuple[str, Sequence[str]] | None = None,
        token: str = "",
    ) -> str:
        """``kind`` is SQLAlchemy's key: ix, uq, fk or ck; ``referent`` a foreign key's table and columns,
        ``token`` the name of a check in its convention."""
        template = self.convention.get(kind)
        if template is None and token:
            return token
        if template is None or ("%(constraint_name)s" in template and not token):
            words = [table, *columns, SUFFIXES[kind]] if kind != "ck" else [table, token, SUFFIXES[kind]]
            return "_".join(word for word in words if word)[:LONGEST_NAME]
        return self._by_convention(kind, table, columns, referent, token)

    def final(self, kind: str, name: str) -> str | Code:
        """The name for Alembic's own operations, which would put the convention around it once more."""
        return Code(f"op.f({written(name)})") if kind in self.convention else name

    def _by_convention(
        self,
        kind: str,
        table: str,
        columns: Sequence[str],
        referent: tuple[str, Sequence[str]] | None,
        token: str,
    ) -> str:
        metadata = MetaData(naming_convention=self.convention)
        made = Table(table, metadata, *(Column(name, Integer) for name in columns))
        parts: list[Any] = [made.c[name] for name in columns]
        if referent:
            targets = [f"{referent[0]}.{name}" for name in referent[1]]
            constraint: Any = ForeignKeyConstraint(columns, targets)
        elif kind == "ck":
            constraint = CheckConstraint("true", name=token)
        else:
            constraint = Unique(*parts) if kind == "uq" else Index(None, *parts)
        if kind != "ix":
            made.append_constraint(constraint)
        return str(constraint.name)[:LONGEST_NAME]
