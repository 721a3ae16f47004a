"""What else the catalog's tables tell: sizes, invalid indexes, columns by identity; and emptying it."""

from __future__ import annotations

from sqlalchemy import Connection

from dbmigrate.adapters.catalog.parts import OF_CLASS
from dbmigrate.domain.sizes import Size

_WITH_PARTITIONS = """
  LEFT JOIN pg_class p ON CASE c.relkind
      WHEN 'p' THEN p.oid IN (SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE t.isleaf)
      ELSE p.oid = c.oid END"""


def columns_by_identity(connection: Connection) -> dict[tuple[int, int], str]:
    """Every table column by (relation OID, number): what keeps its identity was renamed, what loses it was
    dropped."""
    rows = connection.exec_driver_sql(
        f"""SELECT a.attrelid::bigint, a.attnum, n.nspname || '.' || c.relname || '.' || a.attname
              FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
              {OF_CLASS} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"""
    )
    return {(relation, number): name for relation, number, name in rows}


def table_sizes(connection: Connection) -> dict[str, Size]:
    """Estimated rows and bytes of each table and materialized view; of a partitioned table, those of all its
    partitions."""
    rows = connection.exec_driver_sql(
        f"""SELECT n.nspname || '.' || c.relname, coalesce(sum(greatest(p.reltuples, 0)), 0),
                   coalesce(sum(pg_total_relation_size(p.oid)), 0), coalesce(sum(pg_indexes_size(p.oid)), 0)
              FROM pg_class c {OF_CLASS.replace("WHERE", _WITH_PARTITIONS + " WHERE", 1)}
               AND c.relkind IN ('r', 'p', 'm') GROUP BY 1"""
    )
    return {name: Size(*map(int, sizes)) for name, *sizes in rows}


def invalid_indexes(connection: Connection) -> list[str]:
    """Indexes that a CONCURRENTLY build left behind; they cost writes and serve no query."""
    rows = connection.exec_driver_sql(
        f"""SELECT n.nspname || '.' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            {OF_CLASS} AND NOT i.indisvalid ORDER BY 1"""
    )
    return [name for (name,) in rows]


def server_version(connection: Connection) -> tuple[int, str]:
    """The server's major version and its full name."""
    row = connection.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version')"
    )
    major, name = row.one()
    return int(major), str(name)


def drop_everything(connection: Connection, extensions: list[str]) -> None:
    """Drop all schemas that are not PostgreSQL's own; public comes back empty but for these extensions."""
    schemas = connection.exec_driver_sql(
        "SELECT n.nspname FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    ).scalars()
    drops = [f"DROP SCHEMA {_quoted(name)} CASCADE" for name in schemas]
    # What initdb gives it.
    rights = "USAGE" if server_version(connection)[0] >= 15 else "ALL"
    again = [f"CREATE EXTENSION {_quoted(name)} SCHEMA public" for name in extensions]
    for statement in [*drops, "CREATE SCHEMA public", f"GRANT {rights} ON SCHEMA public TO PUBLIC", *again]:
        connection.exec_driver_sql(statement)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
