"""What the tracer asks PostgreSQL around every statement.

A relation's version tells by its catalog rows' places (xmin, ctid) whether anything about it changed, which
costs a tenth of reading its definition. Only what has another version is read again.
"""

from __future__ import annotations

from dbmigrate.domain.catalog import LEDGER_SCHEMA

OURS = f"n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '{LEDGER_SCHEMA}')"
FIRST_OID = 16384  # below it are initdb's own objects

MODES = (
    "ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',"
    " 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']"
)
STRONG = 3  # SHARE UPDATE EXCLUSIVE: every change of a table's definition takes that at least
EXCLUSIVE = 7


def _places(catalog: str, column: str, owner: str = "c.oid") -> str:
    rows = f"FROM {catalog} x WHERE x.{column} = {owner}"
    return f"(SELECT string_agg(concat(x.xmin, x.ctid), ',' ORDER BY x.ctid) {rows})"


VERSION = f"""hashtextextended(concat_ws(';', c.xmin, c.ctid,
    {_places("pg_attribute", "attrelid")}, {_places("pg_attrdef", "adrelid")},
    {_places("pg_constraint", "conrelid")}, {_places("pg_trigger", "tgrelid")},
    {_places("pg_inherits", "inhrelid")}, {_places("pg_rewrite", "ev_class")},
    (SELECT string_agg(concat(i.xmin, i.ctid, k.xmin, k.ctid), ',' ORDER BY i.ctid)
       FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid WHERE i.indrelid = c.oid)), 0)::text"""

# Enum labels, domains and their constraints: no relation is locked when they change.
TYPES_VERSION = """hashtextextended(concat_ws(';',
    (SELECT string_agg(concat(x.xmin, x.ctid), ',' ORDER BY x.ctid) FROM pg_enum x),
    (SELECT string_agg(concat(x.xmin, x.ctid), ',' ORDER BY x.ctid) FROM pg_type x WHERE x.typtype = 'd'),
    (SELECT string_agg(concat(x.xmin, x.ctid), ',' ORDER BY x.ctid) FROM pg_constraint x
      WHERE x.conrelid = 0)), 0)::text"""

KINDS = "('r', 'p', 'm', 'v', 'S', 'f')"

# pg_locks stands first and alone: of a dropped relation nothing but its lock is left.
LOOK = f"""
SELECT 0::bigint, 0, {TYPES_VERSION}, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint
UNION ALL
SELECT h.oid::bigint, h.mode, CASE WHEN h.mode >= {STRONG} AND c.oid IS NOT NULL THEN {VERSION} END,
       coalesce(pg_stat_get_xact_numscans(c.oid), 0), coalesce(pg_stat_get_xact_tuples_inserted(c.oid), 0),
       coalesce(pg_stat_get_xact_tuples_updated(c.oid), 0),
       coalesce(pg_stat_get_xact_tuples_deleted(c.oid), 0),
       CASE WHEN h.mode = {EXCLUSIVE} AND c.relkind = 'r' THEN pg_relation_size(c.oid) ELSE 0 END
  FROM (SELECT l.relation AS oid, max(array_position({MODES}, l.mode)) - 1 AS mode
          FROM pg_locks l
         WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
           AND l.relation >= {FIRST_OID} AND l.database <> 0
         GROUP BY 1) h
  LEFT JOIN pg_class c ON c.oid = h.oid
 WHERE c.oid IS NULL OR c.relkind IN {KINDS}"""

# A session counts on after a commit, until it tells the server's statistics: only differences mean anything.
COUNTERS = f"""
SELECT c.oid::bigint, -1, NULL, x.scans, x.inserted, x.updated, x.deleted, 0::bigint
  FROM pg_class c, LATERAL (SELECT pg_stat_get_xact_numscans(c.oid) AS scans,
       pg_stat_get_xact_tuples_inserted(c.oid) AS inserted, pg_stat_get_xact_tuples_updated(c.oid) AS updated,
       pg_stat_get_xact_tuples_deleted(c.oid) AS deleted) x
 WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= {FIRST_OID}
   AND x.scans + x.inserted + x.updated + x.deleted > 0"""

VERSIONS = f"""
SELECT c.oid::bigint, {VERSION}
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN {KINDS} AND {OURS} AND c.relname <> 'alembic_version'
UNION ALL SELECT 0, {TYPES_VERSION}"""

COLUMN = """concat_ws(' ', CASE WHEN a.attnotnull THEN 'NOT NULL' END, CASE a.attidentity
    WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END,
    CASE WHEN a.attgenerated <> '' THEN 'GENERATED' WHEN d.oid IS NOT NULL THEN 'DEFAULT' END,
    pg_get_expr(d.adbin, d.adrelid))"""

DETAILS = f"""
SELECT c.oid::bigint, json_build_object(
  'name', n.nspname || '.' || c.relname,
  'kind', c.relkind::text,
  'persistence', c.relpersistence::text,
  'storage', c.relfilenode::bigint,
  'security', CASE WHEN c.relrowsecurity AND c.relforcerowsecurity THEN 'forced'
                   WHEN c.relrowsecurity THEN 'on' ELSE 'off' END,
  'identity', c.relreplident::text,
  'parent', (SELECT p.inhparent::bigint FROM pg_inherits p WHERE p.inhrelid = c.oid AND c.relispartition
                AND NOT p.inhdetachpending),
  'bound', pg_get_expr(c.relpartbound, c.oid),
  'view', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
  'columns', (SELECT json_object_agg(a.attnum, json_build_array(a.attname,
        concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attcollation <> t.typcollation
                                                  THEN 'COLLATE ' || a.attcollation::regcollation::text END),
        a.attnotnull, nullif(regexp_replace({COLUMN}, '^NOT NULL ?', ''), '')))
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'constraints', (SELECT json_object_agg(k.oid::bigint, json_build_array(k.conname, k.contype::text,
        pg_get_constraintdef(k.oid), k.convalidated, k.confrelid::bigint, k.conkey))
      FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype NOT IN ('n', 't')),
  'indexes', (SELECT json_object_agg(i.indexrelid::bigint, json_build_array(m.nspname || '.' || k.relname,
        pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END,
        k.relfilenode::bigint, i.indkey::text))
      FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid JOIN pg_namespace m ON m.oid = k.relnamespace
     WHERE i.indrelid = c.oid),
  'triggers', (SELECT json_object_agg(g.oid::bigint, json_build_array(g.tgname, pg_get_triggerdef(g.oid),
        g.tgenabled::text))
      FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal))::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = ANY($1) AND c.relkind IN {KINDS} AND {OURS} AND c.relname <> 'alembic_version'"""

TYPES = f"""
SELECT json_build_object(
  'enums', (SELECT json_object_agg(e.oid::bigint, json_build_array(n.nspname || '.' || t.typname, e.enumlabel,
                                                                   t.oid::bigint))
      FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE {OURS}),
  'domains', (SELECT json_object_agg(t.oid::bigint,
                                     json_build_array(n.nspname || '.' || t.typname, t.typnotnull))
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd' AND {OURS}),
  'constraints', (SELECT json_object_agg(k.oid::bigint, json_build_array(k.contypid::bigint, k.conname,
                                                                         pg_get_constraintdef(k.oid)))
      FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
     WHERE k.contypid <> 0 AND k.contype = 'c' AND {OURS}))::text"""

PREPARED = {
    "dbmigrate_trace_look": f"PREPARE dbmigrate_trace_look AS {LOOK}",
    "dbmigrate_trace_counters": f"PREPARE dbmigrate_trace_counters AS {COUNTERS}",
    "dbmigrate_trace_versions": f"PREPARE dbmigrate_trace_versions AS {VERSIONS}",
    "dbmigrate_trace_details": f"PREPARE dbmigrate_trace_details(oid[]) AS {DETAILS}",
    "dbmigrate_trace_types": f"PREPARE dbmigrate_trace_types AS {TYPES}",
}
