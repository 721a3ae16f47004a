"""Relations and what belongs to one: columns, indexes, constraints, triggers, rules, policies."""

from __future__ import annotations

from dbmigrate.adapters.catalog.parts import OF_CHOSEN, role

# The kind and the persistence come first, with a bar each; then what is out of the ordinary, in words.
RELATION = f"""
SELECT c.oid, n.nspname || '.' || c.relname,
       concat_ws('|', c.relkind, c.relpersistence,
                 'with ' || nullif(array_to_string(c.reloptions, ', '), ''),
                 CASE WHEN c.reltoastrelid <> 0 THEN
                      (SELECT 'toast with ' || array_to_string(o.reloptions, ', ') FROM pg_class o
                        WHERE o.oid = c.reltoastrelid AND o.reloptions IS NOT NULL) END,
                 CASE WHEN c.relrowsecurity THEN 'row security' END,
                 CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                 CASE WHEN c.relkind IN ('r', 'p', 'm') THEN
                      CASE c.relreplident WHEN 'f' THEN 'replica identity full'
                                          WHEN 'n' THEN 'replica identity nothing' END END,
                 CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'not populated' END,
                 CASE WHEN c.relkind = 'p' THEN 'partition by ' || pg_get_partkeydef(c.oid) END,
                 CASE WHEN c.reloftype <> 0 THEN 'of type ' || format_type(c.reloftype, NULL) END,
                 CASE WHEN c.reltablespace <> 0 THEN
                      (SELECT 'tablespace ' || s.spcname FROM pg_tablespace s
                        WHERE s.oid = c.reltablespace) END,
                 CASE WHEN c.relkind IN ('r', 'p', 'm') AND c.relam <> 0 THEN
                      (SELECT 'using ' || m.amname FROM pg_am m
                        WHERE m.oid = c.relam AND m.amname <> 'heap') END,
                 (SELECT CASE WHEN c.relispartition THEN 'partition of ' ELSE 'inherits ' END
                         || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
                    FROM pg_inherits i WHERE i.inhrelid = c.oid),
                 CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
                 CASE WHEN c.relkind = 'f' THEN
                      (SELECT concat_ws(' ', 'server', quote_ident(v.srvname),
                                        'options (' || array_to_string(f.ftoptions, ', ') || ')')
                         FROM pg_foreign_table f JOIN pg_foreign_server v ON v.oid = f.ftserver
                        WHERE f.ftrelid = c.oid) END)
  FROM pg_class c {OF_CHOSEN} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"""


def column(major: int) -> str:
    """The columns: the type first, the expression last. Their order is no part of a catalog, since a way back
    that adds a column again adds it at the end."""
    compression = (
        "CASE a.attcompression WHEN 'p' THEN 'COMPRESSION pglz' WHEN 'l' THEN 'COMPRESSION lz4' END,"
        if major >= 14
        else ""
    )
    return f"""
SELECT c.oid, n.nspname || '.' || c.relname || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                 CASE WHEN a.attcollation <> t.typcollation
                      THEN 'COLLATE ' || a.attcollation::regcollation::text END,
                 CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE '
                      || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                                           WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
                 {compression}
                 CASE WHEN a.attstattarget >= 0 AND c.relkind <> 'v'
                      THEN 'STATISTICS ' || a.attstattarget::text END,
                 'OPTIONS (' || array_to_string(a.attoptions || a.attfdwoptions, ', ') || ')',
                 CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                 CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END,
                 CASE WHEN d.oid IS NOT NULL THEN
                      CASE a.attgenerated WHEN '' THEN 'DEFAULT ' WHEN 'v' THEN 'GENERATED VIRTUAL '
                                          ELSE 'GENERATED ' END || pg_get_expr(d.adbin, d.adrelid) END)
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
  {OF_CHOSEN}
   AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'm', 'v')"""


INDEX = f"""
SELECT c.oid, n.nspname || '.' || x.relname,
       concat(pg_get_indexdef(i.indexrelid),
              CASE WHEN x.reltablespace <> 0 THEN ' TABLESPACE '
                   || (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = x.reltablespace) END,
              CASE WHEN NOT i.indisvalid THEN ' INVALID' END,
              CASE WHEN i.indisclustered THEN ' CLUSTERED' END,
              CASE WHEN i.indisreplident THEN ' REPLICA IDENTITY' END,
              CASE WHEN i.indexprs IS NOT NULL THEN
                   (SELECT string_agg(' STATISTICS ' || a.attnum || ' = ' || a.attstattarget, ''
                                      ORDER BY a.attnum)
                      FROM pg_attribute a WHERE a.attrelid = x.oid AND a.attstattarget >= 0) END,
              CASE WHEN x.relispartition THEN
                   (SELECT ' PARTITION OF ' || h.inhparent::regclass FROM pg_inherits h
                     WHERE h.inhrelid = x.oid) END)
  FROM pg_index i
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_class c ON c.oid = i.indrelid
  {OF_CHOSEN} AND c.relkind <> 't'"""

# Kind n is NOT NULL, which the column says unless it is NOT VALID; kind t belongs to a constraint trigger,
# which the trigger says.
OF_CONSTRAINT = "k.contype <> 't' AND (k.contype <> 'n' OR NOT k.convalidated)"
CONSTRAINT = f"""
SELECT c.oid, n.nspname || '.' || c.relname || '.' || k.conname, pg_get_constraintdef(k.oid)
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  {OF_CHOSEN} AND {OF_CONSTRAINT}"""

VIEW = f"""
SELECT c.oid, n.nspname || '.' || c.relname, pg_get_viewdef(c.oid)
  FROM pg_class c {OF_CHOSEN} AND c.relkind IN ('v', 'm')"""

FIRED = "CASE {} WHEN 'D' THEN ' DISABLED' WHEN 'R' THEN ' REPLICA' WHEN 'A' THEN ' ALWAYS' ELSE '' END"

TRIGGER = f"""
SELECT c.oid, n.nspname || '.' || c.relname || '.' || g.tgname,
       pg_get_triggerdef(g.oid) || {FIRED.format("g.tgenabled")}
  FROM pg_trigger g
  JOIN pg_class c ON c.oid = g.tgrelid
  {OF_CHOSEN} AND NOT g.tgisinternal"""

RULE = f"""
SELECT c.oid, n.nspname || '.' || c.relname || '.' || w.rulename,
       pg_get_ruledef(w.oid) || {FIRED.format("w.ev_enabled")}
  FROM pg_rewrite w
  JOIN pg_class c ON c.oid = w.ev_class
  {OF_CHOSEN} AND w.rulename <> '_RETURN'"""

POLICY = f"""
SELECT c.oid, n.nspname || '.' || c.relname || '.' || p.polname,
       concat_ws(' ', CASE WHEN NOT p.polpermissive THEN 'RESTRICTIVE' END,
                 'FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                         WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                 'TO ' || (SELECT string_agg({role("r.oid")}, ', ' ORDER BY {role("r.oid")})
                             FROM unnest(p.polroles) r(oid)),
                 'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                 'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
  FROM pg_policy p
  JOIN pg_class c ON c.oid = p.polrelid
  {OF_CHOSEN}"""

SEQUENCE = f"""
SELECT c.oid, n.nspname || '.' || c.relname,
       concat_ws(' ', s.seqtypid::regtype::text, 'START', s.seqstart, 'INCREMENT', s.seqincrement,
                 'MINVALUE', s.seqmin, 'MAXVALUE', s.seqmax, 'CACHE', s.seqcache,
                 CASE WHEN s.seqcycle THEN 'CYCLE' END,
                 (SELECT 'OWNED BY ' || d.refobjid::regclass || '.' || quote_ident(a.attname)
                    FROM pg_depend d
                    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                     AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0))
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  {OF_CHOSEN}"""

STATISTICS = f"""
SELECT c.oid, n.nspname || '.' || s.stxname,
       pg_get_statisticsobjdef(s.oid)
       || CASE WHEN s.stxstattarget >= 0 THEN ' STATISTICS ' || s.stxstattarget ELSE '' END
  FROM pg_statistic_ext s
  JOIN pg_class c ON c.oid = s.stxrelid
  {OF_CHOSEN}"""


def kinds(major: int) -> dict[str, str]:
    """The queries by kind."""
    return {
        "relation": RELATION,
        "column": column(major),
        "index": INDEX,
        "constraint": CONSTRAINT,
        "view": VIEW,
        "trigger": TRIGGER,
        "rule": RULE,
        "policy": POLICY,
        "sequence": SEQUENCE,
        "statistics": STATISTICS,
    }
