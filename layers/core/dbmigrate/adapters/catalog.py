"""The catalog of a live database in one query; see dbmigrate.domain.catalog for its form.

The definitions come from PostgreSQL's own pg_get_*def functions under an empty search_path, which makes them
fully qualified and the same on every server of one major version. Owners, grants and server-wide objects are
not part of it.
"""

from __future__ import annotations

from collections.abc import Container

from sqlalchemy import Connection, text

from dbmigrate.domain.catalog import LEDGER_SCHEMA, Catalog

OURS = f"""n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '{LEDGER_SCHEMA}')"""


def _own(catalog: str, oid: str) -> str:
    """Leaves out what belongs to an extension."""
    member = f"e.classid = '{catalog}'::regclass AND e.objid = {oid} AND e.deptype = 'e'"
    return f"NOT EXISTS (SELECT FROM pg_depend e WHERE {member})"


NO_VERSION_TABLE = "c.relname <> 'alembic_version'"
OF_CLASS = f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS} AND {NO_VERSION_TABLE} AND {_own('pg_class', 'c.oid')}"

KINDS = {
    "schema": f"SELECT n.nspname, 'schema' FROM pg_namespace n WHERE {OURS} AND n.nspname <> 'public'",
    "extension": "SELECT e.extname, e.extversion FROM pg_extension e WHERE e.extname <> 'plpgsql'",
    "relation": f"""
        SELECT n.nspname || '.' || c.relname,
               concat_ws('|', c.relkind, c.relpersistence, array_to_string(c.reloptions, ','),
                         CASE WHEN c.relrowsecurity THEN 'row security' END,
                         CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                         CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
                         pg_get_expr(c.relpartbound, c.oid),
                         (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno)
                            FROM pg_inherits i WHERE i.inhrelid = c.oid))
          FROM pg_class c {OF_CLASS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')""",
    "column": f"""
        SELECT n.nspname || '.' || c.relname || '.' || a.attname,
               concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                         CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                         CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END,
                         CASE WHEN a.attgenerated <> '' THEN 'GENERATED' WHEN d.oid IS NOT NULL THEN 'DEFAULT' END,
                         pg_get_expr(d.adbin, d.adrelid),
                         CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation::text END,
                         CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE ' || a.attstorage::text END)
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
          {OF_CLASS} AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'm', 'v', 'c')""",
    "index": f"""
        SELECT n.nspname || '.' || c.relname,
               pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
               || CASE WHEN i.indisclustered THEN ' CLUSTERED' ELSE '' END
          FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class r ON r.oid = i.indrelid
          {OF_CLASS} AND r.relname <> 'alembic_version' AND r.relkind <> 't'""",
    "constraint": f"""
        SELECT n.nspname || '.' || coalesce(c.relname, t.typname) || '.' || k.conname, pg_get_constraintdef(k.oid)
          FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
          LEFT JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_type t ON t.oid = k.contypid
         WHERE {OURS} AND k.contype NOT IN ('n', 't') AND coalesce(c.relname, '') <> 'alembic_version'""",
    "view": f"SELECT n.nspname || '.' || c.relname, pg_get_viewdef(c.oid) FROM pg_class c {OF_CLASS} AND c.relkind IN ('v', 'm')",
    "function": f"""
        SELECT p.oid::regprocedure::text,
               CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OURS} AND {_own("pg_proc", "p.oid")}""",
    "trigger": f"""
        SELECT n.nspname || '.' || c.relname || '.' || g.tgname, pg_get_triggerdef(g.oid) || '|' || g.tgenabled::text
          FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid {OF_CLASS} AND NOT g.tgisinternal""",
    "rule": f"""
        SELECT n.nspname || '.' || c.relname || '.' || w.rulename, pg_get_ruledef(w.oid)
          FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class {OF_CLASS} AND w.rulename <> '_RETURN'""",
    "policy": f"""
        SELECT n.nspname || '.' || c.relname || '.' || p.polname,
               concat_ws('|', p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid),
                         pg_get_expr(p.polwithcheck, p.polrelid))
          FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid {OF_CLASS}""",
    "sequence": f"""
        SELECT n.nspname || '.' || c.relname,
               concat_ws('|', s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
          FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid {OF_CLASS}""",
    "enum": f"""
        SELECT n.nspname || '.' || t.typname, string_agg(v.enumlabel, ',' ORDER BY v.enumsortorder)
          FROM pg_enum v JOIN pg_type t ON t.oid = v.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE {OURS} AND {_own("pg_type", "t.oid")} GROUP BY 1""",
    "domain": f"""
        SELECT n.nspname || '.' || t.typname, concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
               CASE WHEN t.typnotnull THEN 'NOT NULL' END, t.typdefault)
          FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE {OURS} AND t.typtype = 'd' AND {_own("pg_type", "t.oid")}""",
    "comment": f"""
        SELECT d.type || ' ' || d.identity, d.description FROM (
            SELECT (pg_identify_object(s.classoid, s.objoid, s.objsubid)).*, s.description FROM pg_description s
             WHERE s.objoid >= 16384) d
         WHERE coalesce(d.schema, '') !~ '^(pg_|{LEDGER_SCHEMA}$)' AND d.type <> 'extension'""",
}
SNAPSHOT = " UNION ALL ".join(
    f"SELECT '{kind}', x.* FROM ({query}) x(name, what)" for kind, query in KINDS.items()
)


def snapshot(connection: Connection) -> Catalog:
    """The catalog as it is now, read in one statement. The caller's transaction stays open."""
    connection.exec_driver_sql("SET LOCAL search_path = ''")
    catalog: Catalog = {}
    for kind, name, what in connection.exec_driver_sql(SNAPSHOT):
        catalog.setdefault(kind, {})[name] = what
    connection.exec_driver_sql("SET LOCAL search_path TO DEFAULT")
    return catalog


def columns_by_identity(connection: Connection) -> dict[tuple[int, int], str]:
    """Every table column by (relation OID, number): what keeps its identity was renamed, what loses it was
    dropped."""
    rows = connection.exec_driver_sql(
        f"""SELECT a.attrelid::bigint, a.attnum, n.nspname || '.' || c.relname || '.' || a.attname
              FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
              {OF_CLASS} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"""
    )
    return {(relation, number): name for relation, number, name in rows}


def table_bytes(connection: Connection) -> dict[str, int]:
    """Bytes of each table with its indexes and TOAST, partitions added to their parent's own row."""
    rows = connection.exec_driver_sql(
        f"""SELECT n.nspname || '.' || c.relname, pg_total_relation_size(c.oid)
              FROM pg_class c {OF_CLASS} AND c.relkind IN ('r', 'p')"""
    )
    return {name: int(size) for name, size in rows}


def invalid_indexes(connection: Connection) -> list[str]:
    """Indexes that a CONCURRENTLY build left behind; they cost writes and serve no query."""
    rows = connection.execute(
        text(
            f"""SELECT n.nspname || '.' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                {OF_CLASS} AND NOT i.indisvalid ORDER BY 1"""
        )
    )
    return [name for (name,) in rows]


def server_version(connection: Connection) -> tuple[int, str]:
    """The server's major version and its full name."""
    row = connection.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version')"
    )
    major, name = row.one()
    return int(major), str(name)


def drop_everything(connection: Connection, extensions: Container[str] | None = None) -> None:
    """Drop all schemas that are not PostgreSQL's own; public comes back empty, with its extensions, or with
    those of them that ``extensions`` names."""
    there = connection.exec_driver_sql(
        "SELECT e.extname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname = 'public'"
    ).scalars()
    kept = [name for name in there if extensions is None or name in extensions]
    again = [f"CREATE EXTENSION {_quoted(name)} SCHEMA public" for name in kept]
    schemas = connection.exec_driver_sql(
        "SELECT n.nspname FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    ).scalars()
    drops = [f"DROP SCHEMA {_quoted(name)} CASCADE" for name in schemas]
    for statement in [*drops, "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO PUBLIC", *again]:
        connection.exec_driver_sql(statement)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
