"""What of a restored copy can be proved from inside: foreign keys, indexes, heaps. Nothing is changed but an
extension of our own schema, which goes again."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.catalog.parts import OF_CLASS
from dbmigrate.domain.integrity import ENTRIES, HEAP, INDEX, LINK, Unit

# Of a partitioned table the constraint above counts, and its partitions are read with it. An operator bears
# its schema, because a column's type may be an extension's.
LINKS = """
SELECT n.nspname || '.' || c.relname || ' ' || f.conname, format(
    'SELECT ROW(%s)::text FROM %s c WHERE %s AND NOT EXISTS (SELECT FROM %s p WHERE %s) LIMIT 1',
    string_agg(format('c.%I', a.attname), ', ' ORDER BY k.place),
    CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || c.oid::regclass,
    string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ' ORDER BY k.place),
    CASE t.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || t.oid::regclass,
    string_agg(format('p.%I OPERATOR(%I.%s) c.%I', b.attname, s.nspname, o.oprname, a.attname), ' AND '
               ORDER BY k.place))
  FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class t ON t.oid = f.confrelid,
       unnest(f.conkey, f.confkey, f.conpfeqop) WITH ORDINALITY k(ours, theirs, operator, place),
       pg_attribute a, pg_attribute b, pg_operator o JOIN pg_namespace s ON s.oid = o.oprnamespace,
       pg_namespace n
 WHERE n.oid = c.relnamespace AND f.contype = 'f' AND f.convalidated AND f.conparentid = 0
   AND a.attrelid = c.oid AND a.attnum = k.ours AND b.attrelid = t.oid AND b.attnum = k.theirs
   AND o.oid = k.operator AND n.nspname !~ '^(pg_|dbmigrate$|information_schema$)'
   AND to_jsonb(f) ->> 'conperiod' IS DISTINCT FROM 'true'
 GROUP BY n.nspname, c.relname, f.conname, c.oid, c.relkind, t.oid, t.relkind ORDER BY 1"""
BTREES = f"""
SELECT n.nspname || '.' || c.relname, c.oid::regclass::text
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam {OF_CLASS}
   AND m.amname = 'btree' AND i.indisvalid AND i.indisready AND c.relkind = 'i' AND c.relpersistence = 'p'
 ORDER BY 1"""
TABLES = f"""
SELECT n.nspname || '.' || c.relname, c.oid::regclass::text,
       c.relallvisible >= 0.9 * c.relpages AND EXISTS (
           SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid)
  FROM pg_class c {OF_CLASS} AND c.relkind = 'r' AND c.relpersistence = 'p' ORDER BY 1"""
OFFERED = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'amcheck')"
MAKE = "CREATE SCHEMA IF NOT EXISTS dbmigrate; CREATE EXTENSION amcheck SCHEMA dbmigrate"
UNMAKE = """DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'amcheck'
                  AND extnamespace = to_regnamespace('dbmigrate')) THEN DROP EXTENSION amcheck; END IF;
END $$"""
USABLE = """
SELECT quote_ident(n.nspname), bool_and(has_function_privilege(p.oid, 'EXECUTE'))
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname IN ('bt_index_check', 'verify_heapam')
 WHERE e.extname = 'amcheck' GROUP BY 1"""
NO_AMCHECK = (
    "amcheck did not look at indexes and heaps: an administrator can CREATE EXTENSION amcheck and GRANT "
    "EXECUTE ON ALL FUNCTIONS of it to the migrating role"
)


def links(connection: Connection) -> Iterator[Unit]:
    """The foreign keys that were validated, each with the question for a row that breaks it."""
    for name, sql in connection.exec_driver_sql(LINKS).all():
        yield Unit(LINK, name, sql=sql)


def entries(connection: Connection) -> Iterator[Unit]:
    """The primary keys that know without the heap how many rows there are: a lost page takes its rows from
    the heap alone."""
    for name, quoted, countable in connection.exec_driver_sql(TABLES).all():
        if countable:
            yield Unit(ENTRIES, name, sql=f"SELECT count(*) FROM ONLY {quoted}")


def amcheck(connection: Connection) -> tuple[list[Unit], list[str]]:
    """What amcheck can look at, and a note when it cannot be had here."""
    if (
        connection.exec_driver_sql(USABLE).first() is None
        and connection.exec_driver_sql(OFFERED).scalar_one()
    ):
        try:
            connection.exec_driver_sql(MAKE)
            connection.commit()
        except DBAPIError:
            connection.rollback()
    found = connection.exec_driver_sql(USABLE).first()
    if found is None or not found[1]:
        return [], [NO_AMCHECK]
    indexes = [
        Unit(INDEX, name, sql=f"SELECT {found[0]}.bt_index_check({_literal(quoted)}::regclass, false)::text")
        for name, quoted in connection.exec_driver_sql(BTREES).all()
    ]
    heaps = [
        Unit(
            HEAP,
            name,
            sql=f"SELECT msg FROM {found[0]}.verify_heapam({_literal(quoted)}::regclass, true) LIMIT 1",
        )
        for name, quoted, _ in connection.exec_driver_sql(TABLES).all()
    ]
    return [*indexes, *heaps], []


def ask(connection: Connection, unit: Unit) -> str:
    """What the unit's question finds: a row that breaks the key, a message, a number; "" for nothing."""
    if unit.kind == ENTRIES:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    found = connection.exec_driver_sql(unit.sql).first()
    return "" if found is None or found[0] is None else str(found[0])


def forget_amcheck(connection: Connection) -> None:
    """Take back the extension that ``amcheck`` made."""
    connection.exec_driver_sql(UNMAKE)
    connection.commit()


def _literal(name: str) -> str:
    doubled = name.replace("'", "''")
    return f"'{doubled}'"
