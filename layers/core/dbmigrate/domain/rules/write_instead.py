"""Ready replacements for indexes and keys: the body of a whole revision, from PostgreSQL's own
definitions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dbmigrate.domain.rules.revision_text import (
    call,
    execute,
    outside,
    revision,
    revisions,
    schema_of,
    split,
    sql_name,
    word,
)

SIMPLE = re.compile(r"CREATE (UNIQUE )?INDEX \S+ ON (?:ONLY )?\S+ USING (\w+) \((\w+(?:, \w+)*)\)")
NAME_IN_DEFINITION = re.compile(r"(CREATE (?:UNIQUE )?INDEX) (\S+) ON ")
KEY = re.compile(r"(UNIQUE|PRIMARY KEY) \(([^()]+)\)")


def index(name: str, table: str, definition: str) -> str:
    """Build it CONCURRENTLY."""
    return revision(outside(_create(name, table, definition)), outside(_drop(name, table)))


def drop_index(name: str, table: str, definition: str) -> str:
    """Drop it CONCURRENTLY; the way back builds it so."""
    return revision(outside(_drop(name, table)), outside(_create(name, table, definition)))


def reindex(indexes: Iterable[str]) -> str:
    """Build them again CONCURRENTLY, which leaves nothing to undo."""
    lines = [execute(f"REINDEX INDEX CONCURRENTLY {sql_name(name)}") for name in indexes]
    return revision(outside("\n".join(lines)), "pass")


def key(name: str, table: str, definition: str) -> str | None:
    """A unique index CONCURRENTLY, and in the next revision the key of it; None for a key that no plain index
    can carry, as of EXCLUDE."""
    match = KEY.fullmatch(definition)
    if match is None:
        return None
    constraint = name.rpartition(".")[2]
    full = f"{split(table)[0]}.{constraint}"
    unique = f"CREATE UNIQUE INDEX {word(constraint)} ON {sql_name(table)} USING btree ({match[2]})"
    build = revision(outside(_create(full, table, unique)), outside(_drop(full, table)))
    add = execute(
        f"ALTER TABLE {sql_name(table)} ADD CONSTRAINT {word(constraint)} {match[1]} "
        f"USING INDEX {word(constraint)}"
    )
    back = [call("op.drop_constraint", constraint, split(table)[1], schema=schema_of(table))]
    back += [_create(full, table, unique, concurrently=False)]
    return revisions(build, revision(add, "\n".join(back)))


def _create(name: str, table: str, definition: str, concurrently: bool = True) -> str:
    plain = definition.removesuffix(" INVALID")
    match = SIMPLE.fullmatch(plain)
    if match is None or match[2] != "btree":
        said = " CONCURRENTLY" if concurrently else ""
        return execute(NAME_IN_DEFINITION.sub(rf"\1{said} \2 ON ", plain))
    more = {"unique": True} if match[1] else {}
    more |= {"postgresql_concurrently": True} if concurrently else {}
    columns = [column.strip() for column in match[3].split(",")]
    return call("op.create_index", split(name)[1], split(table)[1], columns, schema=schema_of(table), **more)


def _drop(name: str, table: str) -> str:
    return call(
        "op.drop_index",
        split(name)[1],
        split(table)[1],
        schema=schema_of(table),
        postgresql_concurrently=True,
    )
