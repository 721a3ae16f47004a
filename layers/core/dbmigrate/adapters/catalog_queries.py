"""One query for each kind of object: its identity and its definition, in names only.

The definitions come from PostgreSQL's own pg_get_*def functions under an empty search_path, which makes them
fully qualified and the same on every server of one major version. Owners, grants and server-wide objects are
not part of a catalog, nor are the ledger, Alembic's version table and what belongs to an extension.
"""

from __future__ import annotations

from dbmigrate.domain.catalog import LEDGER_SCHEMA

OURS = f"n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '{LEDGER_SCHEMA}')"


def _no_member(catalog: str, oid: str) -> str:
    member = f"e.classid = '{catalog}'::regclass AND e.objid = {oid} AND e.deptype = 'e'"
    return f"NOT EXISTS (SELECT FROM pg_depend e WHERE {member})"


OF_CLASS = f"""
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {OURS} AND c.relname <> 'alembic_version' AND {_no_member("pg_class", "c.oid")}"""

OF_TYPE = f"""
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE {OURS} AND {_no_member("pg_type", "t.oid")}"""

# Nor a schema that only houses an extension.
SCHEMA = f"""
SELECT n.nspname, 'schema' FROM pg_namespace n
 WHERE {OURS} AND n.nspname <> 'public' AND {_no_member("pg_namespace", "n.oid")}
   AND (NOT EXISTS (SELECT FROM pg_extension x WHERE x.extnamespace = n.oid)
        OR EXISTS (SELECT FROM pg_class c
                    WHERE c.relnamespace = n.oid AND {_no_member("pg_class", "c.oid")}))"""

EXTENSION = "SELECT x.extname, x.extversion FROM pg_extension x WHERE x.extname <> 'plpgsql'"

RELATION = f"""
SELECT n.nspname || '.' || c.relname,
       concat_ws('|', c.relkind, c.relpersistence, array_to_string(c.reloptions, ','),
                 CASE WHEN c.relrowsecurity THEN 'row security' END,
                 CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                 CASE c.relreplident WHEN 'f' THEN 'replica identity full'
                                     WHEN 'n' THEN 'replica identity nothing' END,
                 CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
                 pg_get_expr(c.relpartbound, c.oid),
                 (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno)
                    FROM pg_inherits i WHERE i.inhrelid = c.oid))
  FROM pg_class c {OF_CLASS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"""

COLUMN = f"""
SELECT n.nspname || '.' || c.relname || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                 CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                 CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END,
                 CASE WHEN a.attgenerated <> '' THEN 'GENERATED' WHEN d.oid IS NOT NULL THEN 'DEFAULT' END,
                 pg_get_expr(d.adbin, d.adrelid),
                 CASE WHEN a.attcollation <> t.typcollation
                      THEN 'COLLATE ' || a.attcollation::regcollation::text END,
                 CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE ' || a.attstorage::text END,
                 CASE WHEN a.attstattarget >= 0 AND c.relkind <> 'v'
                      THEN 'STATISTICS ' || a.attstattarget::text END)
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  {OF_CLASS}
   AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'm', 'v', 'c')"""

INDEX = f"""
SELECT n.nspname || '.' || c.relname,
       pg_get_indexdef(i.indexrelid)
       || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
       || CASE WHEN i.indisclustered THEN ' CLUSTERED' ELSE '' END
       || CASE WHEN i.indisreplident THEN ' REPLICA IDENTITY' ELSE '' END
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class r ON r.oid = i.indrelid
  {OF_CLASS} AND r.relname <> 'alembic_version' AND r.relkind <> 't'"""

# Kind n is NOT NULL, which the column says; kind t belongs to a constraint trigger, which the trigger says.
CONSTRAINT = f"""
SELECT n.nspname || '.' || coalesce(c.relname, t.typname) || '.' || k.conname, pg_get_constraintdef(k.oid)
  FROM pg_constraint k
  JOIN pg_namespace n ON n.oid = k.connamespace
  LEFT JOIN pg_class c ON c.oid = k.conrelid
  LEFT JOIN pg_type t ON t.oid = k.contypid
 WHERE {OURS} AND k.contype NOT IN ('n', 't') AND coalesce(c.relname, '') <> 'alembic_version'
   AND {_no_member("pg_class", "k.conrelid")} AND {_no_member("pg_type", "k.contypid")}"""

VIEW = f"""
SELECT n.nspname || '.' || c.relname, pg_get_viewdef(c.oid)
  FROM pg_class c {OF_CLASS} AND c.relkind IN ('v', 'm')"""

FUNCTION = f"""
SELECT p.oid::regprocedure::text,
       CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE {OURS} AND {_no_member("pg_proc", "p.oid")}"""

TRIGGER = f"""
SELECT n.nspname || '.' || c.relname || '.' || g.tgname, pg_get_triggerdef(g.oid) || '|' || g.tgenabled::text
  FROM pg_trigger g
  JOIN pg_class c ON c.oid = g.tgrelid
  {OF_CLASS} AND NOT g.tgisinternal"""

RULE = f"""
SELECT n.nspname || '.' || c.relname || '.' || w.rulename, pg_get_ruledef(w.oid)
  FROM pg_rewrite w
  JOIN pg_class c ON c.oid = w.ev_class
  {OF_CLASS} AND w.rulename <> '_RETURN'"""

POLICY = f"""
SELECT n.nspname || '.' || c.relname || '.' || p.polname,
       concat_ws('|', p.polcmd, p.polpermissive,
                 (SELECT string_agg(CASE r.oid WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r.oid)::text END, ','
                                    ORDER BY r.oid) FROM unnest(p.polroles) r(oid)),
                 pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  FROM pg_policy p
  JOIN pg_class c ON c.oid = p.polrelid
  {OF_CLASS}"""

SEQUENCE = f"""
SELECT n.nspname || '.' || c.relname,
       concat_ws('|', s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
                 s.seqcycle)
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  {OF_CLASS}"""

STATISTICS = f"""
SELECT n.nspname || '.' || s.stxname, pg_get_statisticsobjdef(s.oid)
  FROM pg_statistic_ext s
  JOIN pg_namespace n ON n.oid = s.stxnamespace
 WHERE {OURS}"""

ENUM = f"""
SELECT n.nspname || '.' || t.typname, string_agg(v.enumlabel, ',' ORDER BY v.enumsortorder)
  FROM pg_enum v
  JOIN pg_type t ON t.oid = v.enumtypid
  {OF_TYPE} GROUP BY 1"""

DOMAIN = f"""
SELECT n.nspname || '.' || t.typname,
       concat_ws(' ', format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typnotnull THEN 'NOT NULL' END,
                 t.typdefault)
  FROM pg_type t {OF_TYPE} AND t.typtype = 'd'"""

RANGE = f"""
SELECT n.nspname || '.' || t.typname, format_type(g.rngsubtype, NULL)
  FROM pg_range g
  JOIN pg_type t ON t.oid = g.rngtypid
  {OF_TYPE}"""

# OIDs below 16384 are initdb's own objects.
COMMENT = f"""
SELECT d.type || ' ' || d.identity, d.description
  FROM (SELECT (pg_identify_object(s.classoid, s.objoid, s.objsubid)).*, s.description
          FROM pg_description s
         WHERE s.objoid >= 16384
           AND NOT EXISTS (SELECT FROM pg_depend e
                            WHERE e.classid = s.classoid AND e.objid = s.objoid AND e.deptype = 'e')) d
 WHERE coalesce(d.schema, '') !~ '^(pg_|{LEDGER_SCHEMA}$)' AND d.type <> 'extension'"""

KINDS = {
    "schema": SCHEMA,
    "extension": EXTENSION,
    "relation": RELATION,
    "column": COLUMN,
    "index": INDEX,
    "constraint": CONSTRAINT,
    "view": VIEW,
    "function": FUNCTION,
    "trigger": TRIGGER,
    "rule": RULE,
    "policy": POLICY,
    "sequence": SEQUENCE,
    "statistics": STATISTICS,
    "enum": ENUM,
    "domain": DOMAIN,
    "range": RANGE,
    "comment": COMMENT,
}

# The first branch gives the column its type, and "name" would cut every identity after 63 bytes.
EVERYTHING = " UNION ALL ".join(
    f"SELECT '{kind}', x.name::text, x.what::text FROM ({query}) x(name, what)"
    for kind, query in KINDS.items()
)
