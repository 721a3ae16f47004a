"""What else the catalog's tables tell: sizes, invalid indexes, columns by identity; and emptying it."""

from __future__ import annotations

from sqlalchemy import Connection

from dbmigrate.adapters.catalog.parts import OF_CLASS, OURS
from dbmigrate.domain.sizes import Size

_WITH_PARTITIONS = """
  LEFT JOIN pg_class p ON CASE c.relkind
      WHEN 'p' THEN p.oid IN (SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE t.isleaf)
      ELSE p.oid = c.oid END"""

OF_SCHEMAS = f"(SELECT n.oid FROM pg_namespace n WHERE {OURS})"
OF_RELATIONS = f"(SELECT c.oid FROM pg_class c WHERE c.relnamespace IN {OF_SCHEMAS})"
STAMPED = {
    "pg_namespace": f"oid IN {OF_SCHEMAS}",
    "pg_class": f"relnamespace IN {OF_SCHEMAS}",
    "pg_attribute": f"attrelid IN {OF_RELATIONS}",
    "pg_index": f"indrelid IN {OF_RELATIONS}",
    "pg_trigger": f"tgrelid IN {OF_RELATIONS}",
    "pg_rewrite": f"ev_class IN {OF_RELATIONS}",
    "pg_policy": f"polrelid IN {OF_RELATIONS}",
    "pg_constraint": f"connamespace IN {OF_SCHEMAS}",
    "pg_type": f"typnamespace IN {OF_SCHEMAS}",
    "pg_proc": f"pronamespace IN {OF_SCHEMAS}",
    "pg_enum": "true",
}
STAMP = "SELECT concat_ws(' ', " + ", ".join(
    f"(SELECT count(*) || '.' || coalesce(sum(xmin::text::bigint), 0) FROM {name} WHERE {ours})"
    for name, ours in STAMPED.items()
) + ")"  # fmt: skip


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


def owners(connection: Connection) -> tuple[str, ...]:
    """The role that owns the database and the one that is connected: whose objects need no owner line."""
    names = connection.exec_driver_sql(
        """SELECT current_user::text UNION SELECT pg_get_userbyid(datdba)::text FROM pg_database
            WHERE datname = current_database() ORDER BY 1"""
    ).scalars()
    return tuple(names)


def stamp(connection: Connection) -> str:
    """Changes whenever anybody commits a change of the schema, temporary tables apart.

    A query sees the catalogs as its transaction's snapshot has them, but names and types inside definitions
    as they are now (PostgreSQL's caches). So what was read in a snapshot is whole only when the stamp of that
    snapshot is still the stamp afterwards. A new version of a row has a later xmin, hence count and sum.
    """
    return str(connection.exec_driver_sql(STAMP).scalar_one())


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
