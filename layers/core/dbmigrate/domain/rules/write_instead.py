"""Ready replacements for indexes and keys: the body of a whole revision, from PostgreSQL's own
definitions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dbmigrate.domain.rules.revision_text import (
    call,
    execute,
    outside,
    parts,
    plain,
    revision,
    revisions,
    schema_of,
    split,
    sql_name,
    sql_text,
    word,
)

DEFINITION = re.compile(
    r"CREATE (?P<unique>UNIQUE )?INDEX .+? ON (?P<only>ONLY )?(?:\S+?) USING (?P<using>\w+) "
    r"\((?P<columns>.+?)\)(?: INCLUDE \((?P<include>[^()]+)\))?(?: WHERE (?P<where>.+))?",
    re.DOTALL,
)
NAME_IN_DEFINITION = re.compile(r"(CREATE (?:UNIQUE )?INDEX) (\S+) ON ")
KEY = re.compile(r"(UNIQUE|PRIMARY KEY) \(([^()]+)\)")


def index(name: str, table: str, definition: str) -> str:
    """Build it CONCURRENTLY."""
    return revision(build(name, table, definition), drop(name, table))


def drop_index(name: str, table: str, definition: str) -> str:
    """Drop it CONCURRENTLY; the way back builds it so."""
    return revision(drop(name, table), build(name, table, definition))


def reindex(indexes: Iterable[str]) -> str:
    """Build them again CONCURRENTLY, which leaves nothing to undo."""
    lines = [execute(f"REINDEX INDEX CONCURRENTLY {sql_name(name)}") for name in indexes]
    return revision(outside("\n".join(lines)), "pass")


def key(name: str, table: str, definition: str) -> str | None:
    """The key by way of a unique index that is built CONCURRENTLY; None for one that no plain index can
    carry, as of EXCLUDE."""
    match = KEY.fullmatch(definition)
    if match is None:
        return None
    constraint = name.rpartition(".")[2]
    gone = call("op.drop_constraint", constraint, split(table)[1], schema=schema_of(table))
    columns = [plain(each) for each in parts(match[2])]
    if match[1] == "UNIQUE" and None not in columns:
        add = call("op.add_unique", constraint, split(table)[1], columns, schema=schema_of(table))
        return revision(add, gone)
    return _key_of_index(constraint, table, match[1], match[2], gone)


def _key_of_index(constraint: str, table: str, kind: str, columns: str, gone: str) -> str:
    """The index, and in the next revision the key of it."""
    full = f"{split(table)[0]}.{constraint}"
    unique = f"CREATE UNIQUE INDEX {word(constraint)} ON {sql_name(table)} USING btree ({columns})"
    on = f"ALTER TABLE {sql_name(table)} ADD CONSTRAINT {word(constraint)}"
    add = execute(f"{on} {kind} USING INDEX {word(constraint)}")
    return revisions(index(full, table, unique), revision(add, f"{gone}\n{execute(unique)}"))


def build(name: str, table: str, definition: str) -> str:
    """The operation that builds an index; PostgreSQL's own statement where it has no words for it."""
    text = definition.removesuffix(" INVALID")
    match = DEFINITION.fullmatch(text)
    if match is None or match["only"]:
        return outside(execute(NAME_IN_DEFINITION.sub(r"\1 CONCURRENTLY \2 ON ", text)))
    names = [plain(each) or sql_text(each) for each in parts(match["columns"])]
    using = match["using"] if match["using"] != "btree" else None
    include = [plain(each) for each in parts(match["include"])] if match["include"] else None
    more = {"unique": True if match["unique"] else None, "where": match["where"], "using": using}
    return call(
        "op.create_index_concurrently",
        split(name)[1],
        split(table)[1],
        names,
        schema=schema_of(table),
        include=include,
        **more,
    )


def drop(name: str, table: str) -> str:
    """The operation that drops an index."""
    return call("op.drop_index_concurrently", split(name)[1], split(table)[1], schema=schema_of(table))
