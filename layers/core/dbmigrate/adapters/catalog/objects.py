"""What belongs to no relation: schemas, extensions, types, functions, operators, text search."""

from __future__ import annotations

from dbmigrate.adapters.catalog.parts import NO_ARRAY, OF_TYPE, OURS, no_member, no_part
from dbmigrate.adapters.catalog.relations import OF_CONSTRAINT

EXTENSION = "SELECT 0, x.extname, x.extversion FROM pg_extension x WHERE x.extname <> 'plpgsql'"

ENUM = f"""
SELECT 0, n.nspname || '.' || t.typname,
       (SELECT string_agg(v.enumlabel, ',' ORDER BY v.enumsortorder) FROM pg_enum v WHERE v.enumtypid = t.oid)
  FROM pg_type t {OF_TYPE} AND t.typtype = 'e'"""

DOMAIN = f"""
SELECT 0, n.nspname || '.' || t.typname,
       concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
                 CASE WHEN t.typcollation <> b.typcollation
                      THEN 'COLLATE ' || t.typcollation::regcollation::text END,
                 CASE WHEN t.typnotnull THEN 'NOT NULL' END,
                 'DEFAULT ' || coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault))
  FROM pg_type t JOIN pg_type b ON b.oid = t.typbasetype {OF_TYPE} AND t.typtype = 'd'"""

DOMAIN_CONSTRAINT = f"""
SELECT 0, n.nspname || '.' || t.typname || '.' || k.conname, pg_get_constraintdef(k.oid)
  FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid {OF_TYPE} AND {OF_CONSTRAINT}"""

COMPOSITE = f"""
SELECT 0, n.nspname || '.' || t.typname,
       '(' || coalesce((SELECT string_agg(
            concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                      CASE WHEN a.attcollation <> b.typcollation
                           THEN 'COLLATE ' || a.attcollation::regcollation::text END), ', ' ORDER BY a.attnum)
          FROM pg_attribute a JOIN pg_type b ON b.oid = a.atttypid
         WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')'
  FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c' {OF_TYPE}"""

# A base type's array type is not worth a line of its own.
BASE_TYPE = f"""
SELECT 0, n.nspname || '.' || t.typname,
       concat_ws(' ', 'INPUT', t.typinput::regproc, 'OUTPUT', t.typoutput::regproc, 'LENGTH', t.typlen,
                 'ALIGNMENT', t.typalign, 'STORAGE', t.typstorage, 'CATEGORY', t.typcategory,
                 'DEFAULT ' || t.typdefault)
  FROM pg_type t {OF_TYPE} AND t.typtype = 'b'
   AND {NO_ARRAY}"""


def range_type(major: int) -> str:
    """Range types with all that their subtype's defaults do not say."""
    multirange = "'MULTIRANGE ' || format_type(g.rngmultitypid, NULL)," if major >= 14 else ""
    return f"""
SELECT 0, n.nspname || '.' || t.typname,
       concat_ws(' ', format_type(g.rngsubtype, NULL), {multirange}
                 CASE WHEN NOT o.opcdefault THEN 'OPERATOR CLASS ' || o.opcname END,
                 CASE WHEN g.rngcollation <> s.typcollation
                      THEN 'COLLATE ' || g.rngcollation::regcollation::text END,
                 CASE WHEN g.rngcanonical <> 0 THEN 'CANONICAL ' || g.rngcanonical END,
                 CASE WHEN g.rngsubdiff <> 0 THEN 'DIFFERENCE ' || g.rngsubdiff END)
  FROM pg_range g
  JOIN pg_opclass o ON o.oid = g.rngsubopc
  JOIN pg_type s ON s.oid = g.rngsubtype
  JOIN pg_type t ON t.oid = g.rngtypid
  {OF_TYPE}"""


FUNCTION = f"""
SELECT 0, p.oid::regprocedure::text,
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE
       (SELECT concat_ws(', ', 'AGGREGATE' || CASE g.aggkind WHEN 'o' THEN ' ORDERED SET'
                                                        WHEN 'h' THEN ' HYPOTHETICAL' ELSE '' END,
               'RETURNS ' || pg_get_function_result(p.oid),
               'SFUNC ' || g.aggtransfn, 'STYPE ' || format_type(g.aggtranstype, NULL),
               CASE WHEN g.aggfinalfn <> 0 THEN 'FINALFUNC ' || g.aggfinalfn END,
               CASE WHEN g.aggcombinefn <> 0 THEN 'COMBINEFUNC ' || g.aggcombinefn END,
               CASE WHEN g.aggserialfn <> 0 THEN 'SERIALFUNC ' || g.aggserialfn END,
               CASE WHEN g.aggdeserialfn <> 0 THEN 'DESERIALFUNC ' || g.aggdeserialfn END,
               CASE WHEN g.aggmtransfn <> 0 THEN 'MSFUNC ' || g.aggmtransfn END,
               CASE WHEN g.aggminvtransfn <> 0 THEN 'MINVFUNC ' || g.aggminvtransfn END,
               CASE WHEN g.aggmfinalfn <> 0 THEN 'MFINALFUNC ' || g.aggmfinalfn END,
               CASE WHEN g.aggsortop <> 0 THEN 'SORTOP ' || g.aggsortop::regoper END,
               'INITCOND ' || quote_literal(g.agginitval), 'MINITCOND ' || quote_literal(g.aggminitval),
               CASE WHEN p.proparallel <> 'u' THEN 'PARALLEL ' || p.proparallel::text END)
          FROM pg_aggregate g WHERE g.aggfnoid = p.oid) END
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE {OURS} AND {no_member("pg_proc", "p.oid")} AND {no_part("pg_proc", "p.oid")}"""

OPERATOR = f"""
SELECT 0, o.oid::regoperator::text,
       concat_ws(' ', 'FUNCTION', o.oprcode,
                 CASE WHEN o.oprcom <> 0 THEN 'COMMUTATOR ' || o.oprcom::regoperator END,
                 CASE WHEN o.oprnegate <> 0 THEN 'NEGATOR ' || o.oprnegate::regoperator END,
                 CASE WHEN o.oprrest <> 0 THEN 'RESTRICT ' || o.oprrest END,
                 CASE WHEN o.oprjoin <> 0 THEN 'JOIN ' || o.oprjoin END,
                 CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END)
  FROM pg_operator o
  JOIN pg_namespace n ON n.oid = o.oprnamespace
 WHERE {OURS} AND {no_member("pg_operator", "o.oid")}"""

OPERATOR_CLASS = f"""
SELECT 0, n.nspname || '.' || o.opcname || ' using ' || m.amname,
       concat_ws(' ', 'FOR', format_type(o.opcintype, NULL), CASE WHEN o.opcdefault THEN 'DEFAULT' END,
                 'FAMILY ' || fn.nspname || '.' || f.opfname,
                 CASE WHEN o.opckeytype <> 0 THEN 'STORAGE ' || format_type(o.opckeytype, NULL) END)
  FROM pg_opclass o
  JOIN pg_am m ON m.oid = o.opcmethod
  JOIN pg_opfamily f ON f.oid = o.opcfamily
  JOIN pg_namespace fn ON fn.oid = f.opfnamespace
  JOIN pg_namespace n ON n.oid = o.opcnamespace
 WHERE {OURS} AND {no_member("pg_opclass", "o.oid")}"""

OPERATOR_FAMILY = f"""
SELECT 0, n.nspname || '.' || f.opfname || ' using ' || m.amname,
       concat_ws(', ', (SELECT string_agg('OPERATOR ' || a.amopstrategy || ' ' || a.amopopr::regoperator, ', '
                                          ORDER BY a.amopstrategy, a.amopopr::regoperator::text)
                          FROM pg_amop a WHERE a.amopfamily = f.oid),
                 (SELECT string_agg('FUNCTION ' || a.amprocnum || ' ' || a.amproc::regprocedure, ', '
                                    ORDER BY a.amprocnum, a.amproc::regprocedure::text)
                    FROM pg_amproc a WHERE a.amprocfamily = f.oid))
  FROM pg_opfamily f
  JOIN pg_am m ON m.oid = f.opfmethod
  JOIN pg_namespace n ON n.oid = f.opfnamespace
 WHERE {OURS} AND {no_member("pg_opfamily", "f.oid")}"""

CAST = f"""
SELECT 0, format_type(k.castsource, NULL) || ' as ' || format_type(k.casttarget, NULL),
       concat_ws(' ', CASE k.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || k.castfunc::regprocedure
                                        WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
                 CASE k.castcontext WHEN 'a' THEN 'AS ASSIGNMENT' WHEN 'i' THEN 'AS IMPLICIT' END)
  FROM pg_cast k WHERE {no_member("pg_cast", "k.oid")} AND {no_part("pg_cast", "k.oid")}"""


def collation(major: int) -> str:
    """Collations without the version, which is the server's operating system's."""
    columns = ["CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END"]
    columns += ["c.collcollate", "c.collctype"]
    columns += ["c.colllocale"] if major >= 17 else ["c.colliculocale"] if major >= 15 else []
    columns += ["c.collicurules"] if major >= 16 else []
    return f"""
SELECT 0, n.nspname || '.' || c.collname,
       concat_ws(' ', {", ".join(columns)}, CASE WHEN NOT c.collisdeterministic THEN 'NOT DETERMINISTIC' END)
  FROM pg_collation c
  JOIN pg_namespace n ON n.oid = c.collnamespace
 WHERE {OURS} AND {no_member("pg_collation", "c.oid")}"""


CONVERSION = f"""
SELECT 0, n.nspname || '.' || c.conname,
       concat_ws(' ', CASE WHEN c.condefault THEN 'DEFAULT' END, pg_encoding_to_char(c.conforencoding), 'TO',
                 pg_encoding_to_char(c.contoencoding), 'FROM', c.conproc)
  FROM pg_conversion c
  JOIN pg_namespace n ON n.oid = c.connamespace
 WHERE {OURS} AND {no_member("pg_conversion", "c.oid")}"""

TEXT_SEARCH = f"""
SELECT 0, 'configuration ' || n.nspname || '.' || c.cfgname,
       concat_ws(' ', 'PARSER ' || pn.nspname || '.' || p.prsname,
                 (SELECT string_agg('MAP ' || k.alias || ' ' || m.mapseqno || ' ' || m.mapdict::regdictionary,
                                    ', ' ORDER BY k.alias, m.mapseqno)
                    FROM pg_ts_config_map m JOIN ts_token_type(c.cfgparser) k ON k.tokid = m.maptokentype
                   WHERE m.mapcfg = c.oid))
  FROM pg_ts_config c
  JOIN pg_ts_parser p ON p.oid = c.cfgparser
  JOIN pg_namespace pn ON pn.oid = p.prsnamespace
  JOIN pg_namespace n ON n.oid = c.cfgnamespace
 WHERE {OURS} AND {no_member("pg_ts_config", "c.oid")}
UNION ALL
SELECT 0, 'dictionary ' || n.nspname || '.' || d.dictname,
       concat_ws(' ', 'TEMPLATE ' || tn.nspname || '.' || t.tmplname, 'WITH ' || d.dictinitoption)
  FROM pg_ts_dict d
  JOIN pg_ts_template t ON t.oid = d.dicttemplate
  JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
  JOIN pg_namespace n ON n.oid = d.dictnamespace
 WHERE {OURS} AND {no_member("pg_ts_dict", "d.oid")}
UNION ALL
SELECT 0, 'parser ' || n.nspname || '.' || p.prsname,
       concat_ws(' ', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)
  FROM pg_ts_parser p
  JOIN pg_namespace n ON n.oid = p.prsnamespace
 WHERE {OURS} AND {no_member("pg_ts_parser", "p.oid")}
UNION ALL
SELECT 0, 'template ' || n.nspname || '.' || t.tmplname, concat_ws(' ', t.tmplinit, t.tmpllexize)
  FROM pg_ts_template t
  JOIN pg_namespace n ON n.oid = t.tmplnamespace
 WHERE {OURS} AND {no_member("pg_ts_template", "t.oid")}"""

LANGUAGE = f"""
SELECT 0, l.lanname, concat_ws(' ', CASE WHEN l.lanpltrusted THEN 'TRUSTED' END,
                               'HANDLER ' || nullif(l.lanplcallfoid, 0)::regproc)
  FROM pg_language l WHERE {no_member("pg_language", "l.oid")}"""

ACCESS_METHOD = f"""
SELECT 0, m.amname, concat_ws(' ', m.amtype, m.amhandler)
  FROM pg_am m WHERE {no_member("pg_am", "m.oid")}"""


FILED_UNDER = {"domain constraint": "constraint"}
"""The kind of a query's objects where it is not the query's own name."""


def types(major: int) -> dict[str, str]:
    """The queries of types by kind."""
    return {
        "enum": ENUM,
        "domain": DOMAIN,
        "domain constraint": DOMAIN_CONSTRAINT,
        "composite": COMPOSITE,
        "base type": BASE_TYPE,
        "range": range_type(major),
    }


def routines() -> dict[str, str]:
    """The queries of functions and what is made of them, by kind."""
    return {
        "function": FUNCTION,
        "operator": OPERATOR,
        "operator class": OPERATOR_CLASS,
        "operator family": OPERATOR_FAMILY,
        "cast": CAST,
        "language": LANGUAGE,
        "access method": ACCESS_METHOD,
    }


def others(major: int) -> dict[str, str]:
    """The queries of what is left, by kind."""
    return {
        "extension": EXTENSION,
        "collation": collation(major),
        "conversion": CONVERSION,
        "text search": TEXT_SEARCH,
    }
