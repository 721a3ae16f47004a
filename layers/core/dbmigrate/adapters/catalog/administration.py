"""What administrators also do by hand: owners, grants, comments, publications, foreign servers, settings.

Owners and grants are canonical, so that a scratch server of a superuser and a live one of a managed service
compare equal: what the database's owner or the connected role owns has no owner line; an access list and its
spelled-out default are the same; an owner's grants to himself do not count.
"""

from __future__ import annotations

from dbmigrate.adapters.catalog.parts import (
    FIRST_OF_USERS,
    NO_ARRAY,
    OF_CLASS,
    OURS,
    no_member,
    no_part,
    role,
)
from dbmigrate.domain.catalog import LEDGER_SCHEMA

THIS_DATABASE = "(SELECT b.oid FROM pg_database b WHERE b.datname = current_database())"
OWN_ROLES = (
    f"(SELECT b.datdba FROM pg_database b WHERE b.oid = {THIS_DATABASE}), "
    "(SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)"
)
TABLE_WORD = (
    "CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view '"
    " WHEN 'f' THEN 'foreign table ' ELSE 'table ' END"
)
TYPE_WORD = "CASE t.typtype WHEN 'd' THEN 'domain ' ELSE 'type ' END"
# A table's row type and an array type follow their table and their element.
OWN_TYPES = f"""
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE {OURS} AND {no_member("pg_type", "t.oid")} AND t.typtype IN ('b', 'c', 'd', 'e', 'r')
   AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
   AND {NO_ARRAY}"""
OWN_FUNCTIONS = f"""
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE {OURS} AND {no_member("pg_proc", "p.oid")} AND {no_part("pg_proc", "p.oid")}"""
# initdb makes public, but what it is now is ours.
OWN_SCHEMAS = (
    f"FROM pg_namespace n WHERE {OURS} AND (n.nspname = 'public' OR {no_member('pg_namespace', 'n.oid')})"
)
OWN_SERVERS = f"FROM pg_foreign_server v WHERE {no_member('pg_foreign_server', 'v.oid')}"
OWN_WRAPPERS = f"FROM pg_foreign_data_wrapper w WHERE {no_member('pg_foreign_data_wrapper', 'w.oid')}"
OWN_LANGUAGES = f"FROM pg_language l WHERE {no_member('pg_language', 'l.oid')}"

# Nor a schema that only houses an extension.
SCHEMA = f"""
SELECT 0, n.nspname, 'schema' FROM pg_namespace n
 WHERE {OURS} AND n.nspname <> 'public' AND {no_member("pg_namespace", "n.oid")}
   AND (NOT EXISTS (SELECT FROM pg_extension x WHERE x.extnamespace = n.oid)
        OR EXISTS (SELECT FROM pg_class c
                    WHERE c.relnamespace = n.oid AND {no_member("pg_class", "c.oid")}))"""

# The schema public belongs to whoever made the database, and a column's sequence to its table's owner.
OWNER = f"""
SELECT 0, o.name, pg_get_userbyid(o.owner)
  FROM (SELECT {TABLE_WORD} || n.nspname || '.' || c.relname AS name, c.relowner AS owner
          FROM pg_class c {OF_CLASS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
           AND NOT EXISTS (SELECT FROM pg_depend d
                            WHERE c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
                              AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)
        UNION ALL SELECT 'schema ' || n.nspname, n.nspowner {OWN_SCHEMAS} AND n.nspname <> 'public'
        UNION ALL SELECT 'function ' || p.oid::regprocedure, p.proowner {OWN_FUNCTIONS}
        UNION ALL SELECT {TYPE_WORD} || n.nspname || '.' || t.typname, t.typowner {OWN_TYPES}
        UNION ALL SELECT 'foreign server ' || v.srvname, v.srvowner {OWN_SERVERS}
        UNION ALL SELECT 'foreign data wrapper ' || w.fdwname, w.fdwowner {OWN_WRAPPERS}
        UNION ALL SELECT 'publication ' || u.pubname, u.pubowner FROM pg_publication u
        UNION ALL SELECT 'event trigger ' || e.evtname, e.evtowner FROM pg_event_trigger e
         WHERE {no_member("pg_event_trigger", "e.oid")}) o(name, owner)
 WHERE o.owner NOT IN ({OWN_ROLES})"""


# What says that the two queries around this may have something to tell. Of all relations: GRANT locks none.
OWNED = f"""
SELECT EXISTS (SELECT FROM pg_class c WHERE c.oid >= {FIRST_OF_USERS}
                  AND (c.relacl IS NOT NULL OR c.relowner NOT IN ({OWN_ROLES})))
    OR EXISTS (SELECT FROM pg_attribute a WHERE a.attacl IS NOT NULL AND a.attrelid >= {FIRST_OF_USERS})
    OR EXISTS (SELECT FROM pg_type t WHERE t.oid >= {FIRST_OF_USERS}
                  AND (t.typacl IS NOT NULL OR t.typowner NOT IN ({OWN_ROLES})))"""


def _rights(acl: str, owner: str) -> str:
    """Who else may do what by an access list."""
    return f"""
       (SELECT x.grantee, string_agg(DISTINCT x.privilege_type
               || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, ', ')
          FROM aclexplode({acl}) x WHERE x.grantee <> {owner} GROUP BY 1)"""


def grant(major: int) -> str:
    """Grants, one for each object and role, where they are not what the object was made with."""
    standard = "acldefault(o.kind, o.owner)"
    # initdb gives public an access list of its own, which is nobody's grant.
    public = "USAGE" if major >= 15 else "CREATE,USAGE"
    at_first = f"CASE o.name WHEN 'schema public' THEN {_for_everybody(public)} ELSE {standard} END"
    return f"""
SELECT 0, o.name || ' to ' || {role("coalesce(a.grantee, d.grantee)")}, coalesce(a.rights, 'nothing')
  FROM (SELECT {TABLE_WORD} || n.nspname || '.' || c.relname AS name, c.relacl AS acl, c.relowner AS owner,
               CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" AS kind
          FROM (SELECT * FROM pg_class WHERE relacl IS NOT NULL OFFSET 0) c
          {OF_CLASS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        UNION ALL
        SELECT 'column ' || n.nspname || '.' || c.relname || '.' || y.attname, y.attacl, c.relowner, 'c'
          FROM (SELECT * FROM pg_attribute WHERE attacl IS NOT NULL AND NOT attisdropped OFFSET 0) y
          JOIN LATERAL (SELECT * FROM pg_class r WHERE r.oid = y.attrelid OFFSET 0) c ON true {OF_CLASS}
        UNION ALL SELECT 'schema ' || n.nspname, n.nspacl, n.nspowner, 'n' {OWN_SCHEMAS}
           AND n.nspacl IS NOT NULL
        UNION ALL SELECT 'function ' || p.oid::regprocedure, p.proacl, p.proowner, 'f' {OWN_FUNCTIONS}
           AND p.proacl IS NOT NULL
        UNION ALL SELECT {TYPE_WORD} || n.nspname || '.' || t.typname, t.typacl, t.typowner, 'T' {OWN_TYPES}
           AND t.typacl IS NOT NULL
        UNION ALL SELECT 'foreign server ' || v.srvname, v.srvacl, v.srvowner, 'S' {OWN_SERVERS}
           AND v.srvacl IS NOT NULL
        UNION ALL SELECT 'foreign data wrapper ' || w.fdwname, w.fdwacl, w.fdwowner, 'F' {OWN_WRAPPERS}
           AND w.fdwacl IS NOT NULL
        UNION ALL SELECT 'language ' || l.lanname, l.lanacl, l.lanowner, 'l' {OWN_LANGUAGES}
           AND l.lanacl IS NOT NULL
        UNION ALL SELECT 'database', b.datacl, b.datdba, 'd' FROM pg_database b
         WHERE b.oid = {THIS_DATABASE} AND b.datacl IS NOT NULL) o(name, acl, owner, kind),
       (LATERAL {_rights("o.acl", "o.owner")} a(grantee, rights)
        FULL JOIN LATERAL {_rights(at_first, "o.owner")} d(grantee, rights) USING (grantee))
 WHERE a.rights IS DISTINCT FROM d.rights"""


def _for_everybody(rights: str) -> str:
    return "ARRAY[" + ", ".join(f"makeaclitem(0, 10, '{one}', false)" for one in rights.split(",")) + "]"


# Only where no schema is named do they stand in place of the built-in ones.
STANDARD_DEFAULTS = """CASE WHEN f.defaclnamespace = 0 AND f.defaclobjtype <> 'L' THEN acldefault(
    CASE f.defaclobjtype WHEN 'S' THEN 's' ELSE f.defaclobjtype END::"char", f.defaclrole) END"""

# The role that alters defaults for itself is named by its part, not by its name.
DEFAULT_PRIVILEGES = f"""
SELECT 0, concat_ws(' ', 'by', CASE WHEN f.defaclrole IN ({OWN_ROLES}) THEN 'the owner'
                                    ELSE pg_get_userbyid(f.defaclrole)::text END,
                    'in ' || n.nspname, 'on',
                    CASE f.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
                         WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas'
                         ELSE 'large objects' END,
                    'to', {role("coalesce(a.grantee, d.grantee)")}),
       coalesce(a.rights, 'nothing')
  FROM pg_default_acl f
  LEFT JOIN pg_namespace n ON n.oid = f.defaclnamespace,
       (LATERAL {_rights("f.defaclacl", "f.defaclrole")} a(grantee, rights)
        FULL JOIN LATERAL {_rights(STANDARD_DEFAULTS, "f.defaclrole")} d(grantee, rights) USING (grantee))
 WHERE a.rights IS DISTINCT FROM d.rights"""

# initdb writes these on postgres and template1, and nobody else does.
COMMENTS_OF_INITDB = "'default administrative connection database', 'default template for new databases'"

COMMENT = f"""
SELECT 0, d.type || ' ' || d.identity, d.description
  FROM (SELECT (pg_identify_object(s.classoid, s.objoid, s.objsubid)).*, s.description
          FROM pg_description s
         WHERE s.objoid >= {FIRST_OF_USERS}
           AND NOT EXISTS (SELECT FROM pg_depend e
                            WHERE e.classid = s.classoid AND e.objid = s.objoid AND e.deptype = 'e')) d
 WHERE coalesce(d.schema, '') !~ '^(pg_|{LEDGER_SCHEMA}$)' AND d.identity <> '{LEDGER_SCHEMA}'
   AND d.type <> 'extension' AND d.identity !~ '\\yalembic_version\\y'
UNION ALL
SELECT 0, 'database', s.description FROM pg_shdescription s
 WHERE s.classoid = 'pg_database'::regclass AND s.objoid = {THIS_DATABASE}
   AND s.description NOT IN ({COMMENTS_OF_INITDB})"""


def publication(major: int) -> str:
    """Publications with their tables, column lists and row filters."""
    what, where, schemas = "NULL", "NULL", ""
    if major >= 15:
        what = """(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname)
                    FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs))"""
        where = "pg_get_expr(r.prqual, r.prrelid)"
        schemas = """(SELECT 'SCHEMAS ' || string_agg(n.nspname, ', ' ORDER BY n.nspname)
                       FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid
                      WHERE s.pnpubid = u.oid),"""
    return f"""
SELECT 0, u.pubname,
       concat_ws(' ', CASE WHEN u.puballtables THEN 'ALL TABLES' END, {schemas}
                 (SELECT 'TABLES ' || string_agg(concat_ws(' ', r.prrelid::regclass::text,
                              '(' || {what} || ')', 'WHERE ' || {where}), ', '
                              ORDER BY r.prrelid::regclass::text)
                    FROM pg_publication_rel r WHERE r.prpubid = u.oid),
                 'FOR ' || concat_ws(', ', CASE WHEN u.pubinsert THEN 'insert' END,
                     CASE WHEN u.pubupdate THEN 'update' END, CASE WHEN u.pubdelete THEN 'delete' END,
                     CASE WHEN u.pubtruncate THEN 'truncate' END),
                 CASE WHEN u.pubviaroot THEN 'VIA ROOT' END)
  FROM pg_publication u"""


# subconninfo holds passwords, and only a superuser may read it.
SUBSCRIPTION = f"""
SELECT 0, s.subname, concat_ws(' ', 'PUBLICATIONS', array_to_string(s.subpublications, ', '),
                               CASE WHEN NOT s.subenabled THEN 'DISABLED' END, 'SLOT ' || s.subslotname)
  FROM pg_subscription s WHERE s.subdbid = {THIS_DATABASE}"""

EVENT_TRIGGER = f"""
SELECT 0, e.evtname,
       concat_ws(' ', 'ON', e.evtevent, 'TAGS ' || array_to_string(e.evttags, ', '),
                 'EXECUTE', e.evtfoid::regproc,
                 CASE e.evtenabled WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'REPLICA'
                                   WHEN 'A' THEN 'ALWAYS' END)
  FROM pg_event_trigger e WHERE {no_member("pg_event_trigger", "e.oid")}"""

SETTING = f"""
SELECT 0, {role("s.setrole").replace("'PUBLIC'", "'database'", 1)} || ' ' || split_part(u.line, '=', 1),
       substr(u.line, strpos(u.line, '=') + 1)
  FROM pg_db_role_setting s, unnest(s.setconfig) u(line) WHERE s.setdatabase = {THIS_DATABASE}"""

FOREIGN_DATA_WRAPPER = f"""
SELECT 0, w.fdwname, concat_ws(' ', 'HANDLER ' || nullif(w.fdwhandler, 0)::regproc,
                               'VALIDATOR ' || nullif(w.fdwvalidator, 0)::regproc,
                               'OPTIONS (' || array_to_string(w.fdwoptions, ', ') || ')')
  {OWN_WRAPPERS}"""

FOREIGN_SERVER = f"""
SELECT 0, v.srvname, concat_ws(' ', 'WRAPPER', (SELECT quote_ident(w.fdwname) FROM pg_foreign_data_wrapper w
                                                WHERE w.oid = v.srvfdw),
                               'TYPE ' || v.srvtype, 'VERSION ' || v.srvversion,
                               'OPTIONS (' || array_to_string(v.srvoptions, ', ') || ')')
  {OWN_SERVERS}"""

USER_MAPPING = f"""
SELECT 0, m.srvname || ' to ' || {role("m.umuser")},
       concat('OPTIONS (', (SELECT string_agg(o, ', ') FROM unnest(m.umoptions) o
                             WHERE o !~* '^[^=]*pass'), ')')
  FROM pg_user_mappings m"""


def ownership(major: int) -> dict[str, str]:
    """The queries of schemas, owners and grants by kind."""
    return {
        "schema": SCHEMA,
        "owner": OWNER,
        "grant": grant(major),
        "default privileges": DEFAULT_PRIVILEGES,
    }


def others(major: int) -> dict[str, str]:
    """The queries of what is left, by kind."""
    return {
        "publication": publication(major),
        "subscription": SUBSCRIPTION,
        "event trigger": EVENT_TRIGGER,
        "setting": SETTING,
        "foreign data wrapper": FOREIGN_DATA_WRAPPER,
        "foreign server": FOREIGN_SERVER,
        "user mapping": USER_MAPPING,
    }
