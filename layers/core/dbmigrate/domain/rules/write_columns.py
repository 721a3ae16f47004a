"""Ready replacements for columns: added and filled in batches, renamed or retyped beside the old one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.columns import column
from dbmigrate.domain.delta import KEY
from dbmigrate.domain.rules.revision_text import (
    BIND,
    Code,
    call,
    execute,
    outside,
    quoted,
    revision,
    revisions,
    schema_of,
    split,
    sql_name,
    word,
)
from dbmigrate.domain.rules.write_constraints import constraint as added_check

BATCH_ROWS = 5_000
BATCHES = '''rows = sa.text("""
    WITH batch AS (SELECT {key} FROM {table} WHERE {key} > :after ORDER BY {key} LIMIT {size}),
         changed AS ({work})
    SELECT max({key}) FROM batch
""").bindparams(sa.bindparam("after", type_=sa.{type}))
after = {first}
while after is not None:
    after = op.get_bind().scalar(rows, {{"after": after}})'''
KEY_TYPES = {
    "smallint": ("BigInteger", "-1"),
    "integer": ("BigInteger", "-1"),
    "bigint": ("BigInteger", "-1"),
    "text": ("Text", '""'),
    "character varying": ("Text", '""'),
}


SQLALCHEMY = {
    "text": "sa.Text",
    "uuid": "sa.Uuid",
    "smallint": "sa.SmallInteger",
    "integer": "sa.Integer",
    "bigint": "sa.BigInteger",
    "boolean": "sa.Boolean",
    "date": "sa.Date",
    "double precision": "sa.Double",
    "timestamp with time zone": "sa.DateTime(timezone=True)",
    "timestamp without time zone": "sa.DateTime",
}
SIZED = {"character varying": "sa.String", "numeric": "sa.Numeric"}


def alembic_type(type_: str) -> str | None:
    """A type as a revision writes it; None where that would need an import."""
    match = re.fullmatch(r"([a-z ]+?)(?:\((\d+)(?:,(\d+))?\))?", type_)
    if match is None or match[1] not in SIZED:
        return SQLALCHEMY.get(type_)
    sizes = ", ".join(size for size in match.groups()[1:] if size)
    return f"{SIZED[match[1]]}({sizes})" if sizes else SIZED[match[1]]


def key_column(catalog: Catalog, table: str) -> tuple[str, str] | None:
    """The column and the type of a primary key that rows can be walked by; None when it is of another
    kind."""
    for name, definition in catalog.get("constraint", {}).items():
        match = KEY.match(definition)
        if match and definition.startswith("PRIMARY KEY") and name.rpartition(".")[0] == table:
            key = match[1].strip('"')
            type_ = column(catalog.get("column", {}).get(f"{table}.{key}", "")).type.partition("(")[0]
            return (key, type_) if type_ in KEY_TYPES else None
    return None


def batches(catalog: Catalog, table: str, work: str) -> str | None:
    """The body that walks a table by its key and commits each batch. ``work`` is the statement for one batch,
    with {key} for the key's column; None when the table has no key to walk by."""
    found = key_column(catalog, table)
    if found is None:
        return None
    key, (type_, first) = word(found[0]), KEY_TYPES[found[1]]
    text = BATCHES.format(
        key=key,
        table=sql_name(table),
        size=BATCH_ROWS,
        work=_escaped(work.replace("{key}", key)),
        type=type_,
        first=first,
    )
    return outside(text)


def update(catalog: Catalog, table: str, assignments: str, condition: str | None) -> str | None:
    """An UPDATE of a whole table, in batches; None where no key tells how to walk it."""
    if not _has_key(catalog, table):
        return None
    given = (split(table)[1], assignments, *([condition] if condition else []))
    return revision(call("op.backfill", *given, schema=schema_of(table)), "pass")


def _has_key(catalog: Catalog, table: str) -> bool:
    keys = catalog.get("constraint", {}).items()
    return any(what.startswith("PRIMARY KEY") and name.rpartition(".")[0] == table for name, what in keys)


def delete(catalog: Catalog, table: str, condition: str | None) -> str | None:
    """A DELETE in batches."""
    name = sql_name(table)
    more = f" AND ({condition})" if condition else ""
    body = batches(
        catalog, table, f"DELETE FROM {name} USING batch WHERE {name}.{{key}} = batch.{{key}}{more}"
    )
    return revision(body, "pass") if body else None


def filled(catalog: Catalog, name: str, definition: str) -> str | None:
    """A column with a default that differs from row to row: added empty, then given the default, then
    filled."""
    table, _, bare = name.rpartition(".")
    seen, default = column(definition), definition.rpartition(" DEFAULT ")[2]
    type_ = alembic_type(seen.type)
    if not seen.default or type_ is None or not _has_key(catalog, table):
        return None
    more = ", nullable=False" if seen.not_null else ""
    made = Code(f"sa.Column({quoted(bare)}, {type_}{more})")
    where = schema_of(table)
    add = call("op.add_column_with_default", split(table)[1], made, default, schema=where)
    gone = call("op.drop_column", split(table)[1], bare, schema=where)
    sequence = re.match(r"nextval\('([^']+)'::regclass\)$", default)
    if sequence is None:
        return revision(add, gone)
    on = f"{sql_name(table)}.{word(bare)}"
    return revisions(
        revision(execute(f"CREATE SEQUENCE {sequence[1]}"), execute(f"DROP SEQUENCE {sequence[1]}")),
        revision(add, gone),
        revision(
            execute(f"ALTER SEQUENCE {sequence[1]} OWNED BY {on}"),
            execute(f"ALTER SEQUENCE {sequence[1]} OWNED BY NONE"),
        ),
    )


def renamed(catalog: Catalog, table: str, old: str, new: str) -> str | None:
    """Both names at once; the old one goes in a later plan, when nothing reads it."""
    return _expanded(catalog, "rename", table, old, new)


def retyped(catalog: Catalog, table: str, name: str, type_: str) -> str | None:
    """A second column of the new type; the two change places in a later plan, and then the old one goes."""
    return _expanded(catalog, "type", table, name, type_)


def _expanded(catalog: Catalog, what: str, table: str, name: str, other: str) -> str | None:
    if not _has_key(catalog, table):
        return None
    bare, where = split(table)[1], schema_of(table)
    back = (bare, name, other) if what == "rename" else (bare, name)
    return revision(
        call(f"op.expand_column_{what}", bare, name, other, schema=where),
        call(f"op.revert_column_{what}", *back, schema=where),
    )


def table_under_both_names(catalog: Catalog, old: str, new: str) -> str:
    """A table renamed, with a view that PostgreSQL lets the old application write through, by the same
    roles."""
    up = [
        execute(f"ALTER TABLE {sql_name(old)} RENAME TO {word(new.rpartition('.')[2])}"),
        execute(f"CREATE VIEW {sql_name(old)} AS SELECT * FROM {sql_name(new)}"),
        *_grants(catalog, old),
    ]
    down = [
        execute(f"DROP VIEW {sql_name(old)}"),
        execute(f"ALTER TABLE {sql_name(new)} RENAME TO {word(old.rpartition('.')[2])}"),
    ]
    return revision("\n".join(up), "\n".join(down))


def _grants(catalog: Catalog, table: str) -> Iterator[str]:
    for name, rights in catalog.get("grant", {}).items():
        object_, _, role = name.partition(" to ")
        if object_ == f"table {table}" and rights != "nothing" and "WITH GRANT" not in rights:
            yield execute(f"GRANT {rights} ON {sql_name(table)} TO {role}")


def in_utc(name: str, was: str, now: str) -> str:
    """A change of type that takes the values for UTC, whatever the server's time zone is."""
    table, _, bare = name.rpartition(".")
    zone = execute("SET LOCAL TIME ZONE 'UTC'")
    both = (
        execute(f"ALTER TABLE {sql_name(table)} ALTER COLUMN {word(bare)} TYPE {type_}")
        for type_ in (now, was)
    )
    return revision(*(f"{zone}\n{change}" for change in both))


def checked_length(table: str, name: str, type_: str) -> str | None:
    """A CHECK in place of a shorter type; None for what has no length."""
    match = re.fullmatch(r"character varying\((\d+)\)", type_)
    if match is None:
        return None
    own = f"ck_{split(table)[1]}_{name}_length"[:63]
    return added_check(f"{table}.{own}", table, f"CHECK (length({word(name)}) <= {match[1]})")


def _escaped(sql: str) -> str:
    """For a text with binds in a Python literal of three quotes."""
    return BIND.sub(r"\\\\:", sql)
