"""What seeding must know of the tables: columns, types, checks, foreign keys and how many rows are there,
read for all tables at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from dbmigrate.domain.catalog import LEDGER_SCHEMA

ENOUGH = 3  # rows; no more are counted, nor put in

# The row types of tables and the like are followed into their parts, as are arrays, domains and ranges.
_READ = f"""
WITH RECURSIVE wanted AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '{LEDGER_SCHEMA}')
     AND c.relname <> 'alembic_version' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = c.oid
         AND e.classid = 'pg_class'::regclass AND e.deptype = 'e')
     AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND %s),
columns AS MATERIALIZED (
  SELECT a.attrelid, a.atttypid, jsonb_build_object('name', a.attname, 'type', a.atttypid::bigint,
         'mod', a.atttypmod, 'full', format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
         'generated', a.attgenerated <> '', 'default', pg_get_expr(d.adbin, d.adrelid)) AS what, a.attnum
    FROM wanted w JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum),
parts(oid) AS (
  SELECT DISTINCT atttypid FROM columns UNION
  SELECT x.part FROM parts p JOIN pg_type t ON t.oid = p.oid CROSS JOIN LATERAL (
    SELECT t.typbasetype WHERE t.typtype = 'd' UNION ALL SELECT t.typelem WHERE t.typcategory = 'A' UNION ALL
    SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid) UNION ALL
    SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
       AND NOT a.attisdropped) x(part))
SELECT 'table', jsonb_build_object('oid', w.oid::bigint, 'name', w.nspname || '.' || w.relname,
       'sql', quote_ident(w.nspname) || '.' || quote_ident(w.relname), 'kind', w.relkind,
       'readable', has_table_privilege(w.oid, 'SELECT'),
       'parent', (SELECT i.inhparent::bigint FROM pg_inherits i
                    WHERE i.inhrelid = w.oid AND w.relispartition),
       'bound', CASE WHEN w.relispartition THEN pg_get_partition_constraintdef(w.oid) END,
       'columns', coalesce((SELECT jsonb_agg(c.what ORDER BY c.attnum) FROM columns c
                             WHERE c.attrelid = w.oid), '[]'),
       'keys', (SELECT coalesce(jsonb_agg(DISTINCT a.attname), '[]') FROM pg_index i JOIN pg_attribute a
                    ON a.attrelid = w.oid AND a.attnum = ANY (i.indkey) AND a.attnum > 0
                 WHERE i.indrelid = w.oid AND i.indisunique),
       'checks', (SELECT coalesce(jsonb_agg(pg_get_expr(k.conbin, k.conrelid) ORDER BY k.conname), '[]')
                    FROM pg_constraint k WHERE k.conrelid = w.oid AND k.contype = 'c'),
       'links', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', k.conname,
            'full', k.confmatchtype = 'f',
            'deferrable', k.condeferrable, 'to', k.confrelid::bigint,
            'to_sql', quote_ident(n.nspname) || '.' || quote_ident(p.relname),
            'to_name', n.nspname || '.' || p.relname, 'to_only', p.relkind = 'r',
            'columns', (SELECT jsonb_agg(a.attname ORDER BY u.i) FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n),
            'refers', (SELECT jsonb_agg(a.attname ORDER BY u.i) FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
                JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n))
            ORDER BY cardinality(k.conkey), k.conname), '[]')
          FROM pg_constraint k JOIN pg_class p ON p.oid = k.confrelid
          JOIN pg_namespace n ON n.oid = p.relnamespace LEFT JOIN pg_constraint up ON up.oid = k.conparentid
         WHERE k.conrelid = w.oid AND k.contype = 'f' AND (up.oid IS NULL OR up.conrelid <> k.conrelid)))
  FROM wanted w
UNION ALL
SELECT 'type', jsonb_build_object('oid', t.oid::bigint, 'name', t.typname,
       'full', quote_ident(n.nspname) || '.' || quote_ident(t.typname),
       'kind', t.typtype, 'category', t.typcategory, 'not_null', t.typnotnull, 'mod', t.typtypmod,
       'base', t.typbasetype::bigint, 'element', t.typelem::bigint,
       'subtype', (SELECT r.rngsubtype::bigint FROM pg_range r
                    WHERE t.oid IN (r.rngtypid, r.rngmultitypid)),
       'labels', (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e
                   WHERE e.enumtypid = t.oid),
       'members', (SELECT jsonb_agg(jsonb_build_array(a.atttypid::bigint, a.atttypmod) ORDER BY a.attnum)
                     FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                      AND NOT a.attisdropped),
       'checks', (SELECT coalesce(jsonb_agg(pg_get_expr(k.conbin, 0)), '[]') FROM pg_constraint k
                   WHERE k.contypid = t.oid AND k.contype = 'c'))
  FROM parts p JOIN pg_type t ON t.oid = p.oid JOIN pg_namespace n ON n.oid = t.typnamespace"""
_NAMED = """(n.nspname || '.' || c.relname IN ({names}) OR c.oid IN (SELECT t.relid FROM pg_class x
    JOIN pg_namespace y ON y.oid = x.relnamespace CROSS JOIN LATERAL pg_partition_tree(x.oid) t
    WHERE x.relkind = 'p' AND y.nspname || '.' || x.relname IN ({names})))"""


@dataclass(frozen=True)
class Column:
    """``full`` is its type as SQL; ``default`` an expression or None."""

    name: str
    type: int
    mod: int
    full: str
    not_null: bool
    generated: bool
    default: str | None


@dataclass(frozen=True)
class Link:
    """A foreign key; ``to`` is the referenced table's OID."""

    name: str
    full: bool
    deferrable: bool
    to: int
    to_sql: str
    to_name: str
    to_only: bool
    columns: tuple[str, ...]
    refers: tuple[str, ...]

    @property
    def source(self) -> str:
        """What to read the referenced rows from: never those of tables that inherit."""
        return ("ONLY " if self.to_only else "") + self.to_sql


@dataclass(frozen=True)
class Table:
    """One table; ``parent`` is the OID of what it is a partition of, ``bound`` the check in that."""

    oid: int
    name: str
    sql: str
    kind: str
    readable: bool
    parent: int | None
    bound: str | None
    columns: tuple[Column, ...]
    keys: frozenset[str]
    checks: tuple[str, ...]
    links: tuple[Link, ...]

    @property
    def source(self) -> str:
        return ("ONLY " if self.kind == "r" else "") + self.sql


@dataclass(frozen=True)
class Schema:
    """The tables and types by OID, and how many rows there are, ENOUGH at most, in them and in those that
    they refer to."""

    tables: Mapping[int, Table]
    types: Mapping[int, Mapping[str, Any]]
    rows: dict[int, int] = field(default_factory=dict)


def read_schema(connection: Connection, names: Iterable[str] | None) -> Schema:
    """The tables of these full names, or all but those of the system, the ledger and Alembic."""
    tables, types = {}, {}
    for kind, found in connection.exec_driver_sql(_READ % _only(names)):
        if kind == "type":
            types[found["oid"]] = found
        else:
            tables[found["oid"]] = _table(found)
    return Schema(tables, types, _count(connection, tables))


def literal(text: str) -> str:
    """The text as SQL has it."""
    doubled = text.replace("'", "''")
    return f"E'{doubled.replace(chr(92), chr(92) * 2)}'" if "\\" in doubled else f"'{doubled}'"


def quoted(name: str) -> str:
    """The name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _only(names: Iterable[str] | None) -> str:
    if names is None:
        return "true"
    listed = ", ".join(map(literal, sorted(names))) or "NULL"
    return _NAMED.format(names=listed)


def _table(found: Mapping[str, Any]) -> Table:
    links = tuple(
        Link(**{**link, "columns": tuple(link["columns"]), "refers": tuple(link["refers"])})
        for link in found["links"]
    )
    columns = tuple(Column(**column) for column in found["columns"])
    lists = {"columns": columns, "links": links, "checks": tuple(found["checks"])}
    return Table(**{**found, **lists, "keys": frozenset(found["keys"])})


def _count(connection: Connection, tables: Mapping[int, Table]) -> dict[int, int]:
    sources = {link.to: link.source for table in tables.values() for link in table.links}
    sources.update({oid: table.source for oid, table in tables.items() if table.readable})
    if not sources:
        return {}
    counts = (
        f"(SELECT count(*)::int FROM (SELECT FROM {source} LIMIT {ENOUGH}) x)" for source in sources.values()
    )
    (found,) = connection.exec_driver_sql(f"SELECT ARRAY[{', '.join(counts)}]").one()
    return dict(zip(sources, found, strict=True))
