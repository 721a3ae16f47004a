"""Reading again only what a transaction touched gives what reading everything gives, whatever was done."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from tests.adapters.test_catalog import EVERYTHING

from dbmigrate.adapters import catalog
from dbmigrate.adapters.database import Database
from dbmigrate.domain.catalog import Catalog, changes_between

# {t} is a table, {c} a column, {n} a number that was never used, {r} an earlier one.
STATEMENTS = """
CREATE TABLE t{n} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int DEFAULT 5, m shop.mood)
CREATE TABLE t{n} (id serial PRIMARY KEY, a int CHECK (a > {n}), b varchar(20), UNIQUE (a, b))
CREATE TABLE t{n} (LIKE {t} INCLUDING ALL)
CREATE TABLE t{n} () INHERITS ({t})
CREATE TABLE p{n} (at date, a int) PARTITION BY RANGE (at)
CREATE TABLE q{n} PARTITION OF p{r} FOR VALUES FROM ('2{n}-01-01') TO ('2{n}-12-31')
CREATE VIEW v{n} AS SELECT * FROM {t}
CREATE VIEW v{n} AS SELECT * FROM {t} JOIN shop.lines USING (id)
CREATE MATERIALIZED VIEW m{n} AS SELECT count(*) FROM {t}
CREATE INDEX i{n} ON {t} ({c})
CREATE UNIQUE INDEX i{n} ON {t} (lower({c}::text)) WHERE {c} IS NOT NULL
CREATE SEQUENCE s{n} OWNED BY {t}.{c}
CREATE SEQUENCE s{n} INCREMENT {n}
CREATE TYPE e{n} AS ENUM ('a', 'b')
CREATE DOMAIN d{n} AS int CHECK (VALUE > 0)
CREATE FUNCTION f{n}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'
CREATE TRIGGER g{n} BEFORE UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION shop.touch()
CREATE POLICY p{n} ON {t} USING ({c} IS NOT NULL)
CREATE POLICY p{n} ON {t} USING (EXISTS (SELECT FROM shop.lines l WHERE l.id = 1))
CREATE RULE r{n} AS ON DELETE TO {t} DO INSTEAD NOTHING
CREATE STATISTICS x{n} ON {c}, id FROM {t}
CREATE SCHEMA z{n}
CREATE PUBLICATION k{n} FOR TABLE {t}
ALTER TABLE {t} ADD c{n} int
ALTER TABLE {t} ADD c{n} text NOT NULL DEFAULT 'x'
ALTER TABLE {t} ADD c{n} bigint REFERENCES shop.items
ALTER TABLE {t} ADD COLUMN item bigint
ALTER TABLE {t} DROP {c}
ALTER TABLE {t} DROP {c} CASCADE
ALTER TABLE {t} RENAME {c} TO c{n}
ALTER TABLE {t} RENAME TO t{n}
ALTER TABLE {t} SET SCHEMA z{r}
ALTER TABLE {t} ALTER {c} SET NOT NULL
ALTER TABLE {t} ALTER {c} SET DEFAULT NULL
ALTER TABLE {t} ALTER {c} DROP DEFAULT
ALTER TABLE {t} ALTER {c} TYPE text USING {c}::text
ALTER TABLE {t} ALTER {c} SET STATISTICS {n}
ALTER TABLE {t} ADD CONSTRAINT k{n} CHECK ({c} IS NOT NULL) NOT VALID
ALTER TABLE {t} VALIDATE CONSTRAINT k{r}
ALTER TABLE {t} RENAME CONSTRAINT k{r} TO k{n}
ALTER TABLE {t} DROP CONSTRAINT k{r}
ALTER TABLE {t} ENABLE ROW LEVEL SECURITY
ALTER TABLE {t} SET (fillfactor = 5{n})
ALTER TABLE {t} REPLICA IDENTITY FULL
ALTER TABLE {t} DISABLE TRIGGER ALL
ALTER TABLE {t} SET UNLOGGED
ALTER TABLE {t} OWNER TO pg_monitor
ALTER TABLE t{r} INHERIT {t}
ALTER TABLE p{r} DETACH PARTITION q{r}
ALTER INDEX i{r} RENAME TO i{n}
ALTER SEQUENCE s{r} INCREMENT 7
ALTER SEQUENCE s{r} OWNED BY {t}.{c}
ALTER TYPE e{r} ADD VALUE 'c{n}' BEFORE 'b'
ALTER TYPE shop.mood RENAME VALUE 'good' TO 'good{n}'
ALTER TYPE shop.mood RENAME TO mood
ALTER TYPE shop.pair ADD ATTRIBUTE c{n} int
ALTER DOMAIN shop.mail ADD CONSTRAINT k{n} CHECK (VALUE <> '{n}')
ALTER DOMAIN d{r} SET DEFAULT 3
ALTER FUNCTION f{r} RENAME TO f{n}
ALTER FUNCTION shop.touch SECURITY DEFINER
ALTER SCHEMA z{r} RENAME TO z{n}
ALTER TABLE shop.lines ADD b text
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor
COMMENT ON TABLE {t} IS 'said {n}'
COMMENT ON COLUMN {t}.{c} IS 'said {n}'
COMMENT ON CONSTRAINT k{r} ON {t} IS 'said {n}'
GRANT SELECT ON {t} TO pg_monitor
GRANT UPDATE ({c}) ON {t} TO PUBLIC
GRANT USAGE ON SCHEMA z{r} TO PUBLIC
REVOKE EXECUTE ON FUNCTION shop.touch FROM PUBLIC
DROP TABLE {t} CASCADE
DROP TABLE {t}
DROP VIEW v{r} CASCADE
DROP INDEX i{r}
DROP TRIGGER g{r} ON {t}
DROP POLICY p{r} ON {t}
DROP TYPE e{r} CASCADE
DROP FUNCTION f{r} CASCADE
DROP SCHEMA z{r} CASCADE
DROP STATISTICS x{r}
DROP SEQUENCE s{r} CASCADE
DROP PUBLICATION k{r}
DROP TYPE shop.mood CASCADE
""".strip().splitlines()


@pytest.mark.parametrize("seed", range(2))
def test_reading_again_is_reading_everything(database: str, db: Database, seed: int) -> None:
    chosen = random.Random(seed)
    with db.session() as connection:
        for statement in filter(str.strip, EVERYTHING.split(";\n")):
            connection.exec_driver_sql(statement)
        known, done = catalog.snapshot(connection), 0
        for number in range(1, 100):
            sql = chosen.choice(STATEMENTS)
            sql = sql.format(n=number, r=chosen.randint(1, number), **_place(connection, chosen))
            known, worked = _after(connection, known, sql)
            done += worked
        assert done > 30, f"only {done} statements could be executed"


def _place(connection: Connection, chosen: random.Random) -> dict[str, str]:
    """A table and one of its columns."""
    columns = [
        tuple(row)
        for row in connection.exec_driver_sql(
            """SELECT c.oid::regclass::text, quote_ident(a.attname)
                 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text !~ '^(pg_|information)'
                  AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2"""
        )
    ]
    table, column = chosen.choice(columns) if columns else ("none", "none")
    return {"t": table, "c": column}


def _after(connection: Connection, known: Catalog, sql: str) -> tuple[Catalog, bool]:
    """The catalog after the statement, and whether PostgreSQL took it."""
    savepoint = connection.begin_nested()
    try:
        connection.exec_driver_sql(sql)
    except DBAPIError:
        savepoint.rollback()
        worked = False
    else:
        savepoint.commit()
        worked = True
    again, everything = catalog.reread(connection, known), catalog.snapshot(connection)
    assert changes_between(everything, again) == (), sql
    assert {kind: named for kind, named in again.items() if named} == everything, sql
    return again, worked


def test_a_catalog_of_elsewhere_is_read_anew(db: Database) -> None:
    with db.session() as connection:
        assert catalog.reread(connection, {"relation": {"public.gone": "r|p"}}) == {}


def test_nothing_changed_is_the_same_catalog(db: Database) -> None:
    with db.session() as connection:
        connection.exec_driver_sql("CREATE TABLE a (id int)")
        known = catalog.snapshot(connection)
        connection.exec_driver_sql("INSERT INTO a VALUES (1)")
        assert catalog.reread(connection, known) is known


def test_an_extension_takes_a_function_in(db: Database) -> None:
    with db.session() as connection:
        connection.exec_driver_sql("CREATE EXTENSION citext")
        connection.exec_driver_sql("CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        known = catalog.snapshot(connection)
        assert known["function"]
        connection.exec_driver_sql("ALTER EXTENSION citext ADD FUNCTION mine()")
        assert "function" not in catalog.reread(connection, known)


@pytest.mark.parametrize(
    "sql", ["ALTER INDEX a_id RENAME TO a_by_id", "ALTER INDEX a_id SET (fillfactor = 50)"]
)
def test_an_index_that_is_changed_without_its_table(db: Database, sql: str) -> None:
    with db.session() as connection:
        connection.exec_driver_sql("CREATE TABLE a (id int)")
        connection.exec_driver_sql("CREATE INDEX a_id ON a (id)")
        known = catalog.snapshot(connection)
        connection.commit()
        connection.exec_driver_sql(sql)
        assert catalog.reread(connection, known) == catalog.snapshot(connection) != known


@pytest.mark.parametrize(
    "sql",
    [
        "SET LOCAL ROLE pg_monitor; CREATE TABLE b (id serial); RESET ROLE",
        "SET LOCAL ROLE pg_monitor; CREATE TYPE mood AS ENUM ('well'); RESET ROLE",
        "SET LOCAL ROLE pg_monitor; CREATE VIEW b AS SELECT 1 AS one; RESET ROLE",
        "GRANT SELECT ON a TO pg_monitor",  # which locks no table
        "GRANT SELECT (id) ON a TO pg_monitor",
        "CREATE TABLE b (id int); GRANT SELECT ON b TO pg_monitor",
        "CREATE TABLE b (id int); GRANT SELECT (id) ON b TO pg_monitor",
        "CREATE SEQUENCE b; GRANT USAGE ON SEQUENCE b TO pg_monitor",
        "CREATE TYPE mood AS ENUM ('well'); REVOKE USAGE ON TYPE mood FROM PUBLIC",
        "ALTER TABLE a OWNER TO pg_monitor",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor; CREATE TABLE b (id int)",
    ],
)
def test_the_first_owner_or_grant_is_seen(db: Database, sql: str) -> None:
    with db.session() as connection:
        connection.exec_driver_sql("GRANT CREATE ON SCHEMA public TO pg_monitor")
        connection.exec_driver_sql("CREATE TABLE a (id int)")
        known = catalog.snapshot(connection)
        connection.commit()
        connection.exec_driver_sql(sql)
        again = catalog.reread(connection, known)
        assert again == catalog.snapshot(connection) and again != known


def test_a_usual_table_after_a_usual_one(db: Database) -> None:
    with db.session() as connection:
        known = catalog.snapshot(connection)
        connection.commit()
        connection.exec_driver_sql("CREATE TABLE a (id serial PRIMARY KEY)")
        assert catalog.reread(connection, known, ending=True) == catalog.snapshot(connection)
