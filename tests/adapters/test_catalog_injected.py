"""Differences of every kind in a schema of 1,000 tables: each is found and named, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection
from tests.adapters.project import connected

from dbmigrate.adapters import catalog
from dbmigrate.adapters.connection import Limits, target_from_url
from dbmigrate.adapters.connection import connected as session
from dbmigrate.domain.catalog import Catalog, changes_between, fingerprint
from dbmigrate.domain.changelog import describe_changes

THOUSAND = """
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('good', 'bad');
CREATE DOMAIN app.mail AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE app.pair AS (a int, b text);
CREATE TABLE app.base (note text);
CREATE TYPE app.span AS RANGE (subtype = float8);
CREATE SEQUENCE app.numbers;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION app.told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION app.same(int, int) RETURNS bool LANGUAGE sql AS 'SELECT $1 = $2';
CREATE AGGREGATE app.total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
DO $$ BEGIN FOR i IN 1..1000 LOOP
  EXECUTE format('CREATE TABLE app.t%s (id bigint PRIMARY KEY, code varchar(20) NOT NULL DEFAULT ''x'','
    ' price numeric(10, 2) CHECK (price > 0), mood app.mood, note text)', i);
END LOOP; END $$;
ALTER TABLE app.t2 ADD FOREIGN KEY (id) REFERENCES app.t1;
ALTER TABLE app.t2 ADD CONSTRAINT noted CHECK (note <> '') NOT VALID;
CREATE INDEX t3_code ON app.t3 (code);
CREATE VIEW app.cheap AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW app.sums AS SELECT count(*) AS n FROM app.t5;
CREATE TRIGGER touched BEFORE UPDATE ON app.t6 FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE RULE kept AS ON DELETE TO app.t7 DO INSTEAD NOTHING;
CREATE POLICY own ON app.t8 USING (id = 1);
CREATE STATISTICS app.both ON code, price FROM app.t9;
CREATE TABLE app.parts (at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE app.part_1 PARTITION OF app.parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER wrapper OPTIONS (host 'a');
CREATE FOREIGN TABLE app.far (id int) SERVER elsewhere;
CREATE PUBLICATION news FOR TABLE app.t10;
COMMENT ON TABLE app.t11 IS 'what it holds';
GRANT SELECT ON app.t12 TO pg_monitor;
CREATE TEXT SEARCH CONFIGURATION app.words (COPY = simple);
"""

# Each statement, and the lines of the changelog that it must make: all of them and no other.
INJECTED = [
    ("CREATE TABLE app.extra (id int)", ["+ table app.extra", "+   columns id integer"]),
    ("DROP TABLE app.t1000", ["- table app.t1000"]),
    ("ALTER TABLE app.t20 SET (fillfactor = 70)", ["~ table app.t20", "+   with fillfactor=70"]),
    ("ALTER TABLE app.t20 SET (toast.autovacuum_enabled = off)",
     ["~ table app.t20", "+   toast with autovacuum_enabled=off"]),
    ("ALTER TABLE app.t20 SET UNLOGGED", ["~ table app.t20", "+   unlogged"]),
    ("ALTER TABLE app.t8 ENABLE ROW LEVEL SECURITY", ["~ table app.t8", "+   row security"]),
    ("ALTER TABLE app.t8 FORCE ROW LEVEL SECURITY", ["~ table app.t8", "+   forced"]),
    ("ALTER TABLE app.t20 REPLICA IDENTITY FULL", ["~ table app.t20", "+   replica identity full"]),
    ("ALTER TABLE app.t20 INHERIT app.base", ["~ table app.t20", "+   inherits app.base"]),
    ("ALTER TABLE app.t20 OWNER TO pg_monitor", ["~ table app.t20", "+   owner: pg_monitor"]),
    ("ALTER TABLE app.t20 ADD paid_at timestamptz",
     ["~ table app.t20", "+   column paid_at timestamptz, nullable"]),
    ("ALTER TABLE app.t20 DROP note", ["~ table app.t20", "-   column note"]),
    ("ALTER TABLE app.t20 ALTER price TYPE numeric(12, 2)",
     ["~ table app.t20", "~   column price: numeric(10,2) -> numeric(12,2)"]),
    ("ALTER TABLE app.t20 ALTER code DROP NOT NULL",
     ["~ table app.t20", "~   column code: not null -> nullable"]),
    ("ALTER TABLE app.t20 ALTER code SET DEFAULT 'y'",
     ["~ table app.t20", "~   column code: default 'x' -> default 'y'"]),
    ("ALTER TABLE app.t20 ALTER code DROP DEFAULT",
     ["~ table app.t20", "~   column code: default 'x' -> no default"]),
    ("ALTER TABLE app.t20 ALTER id ADD GENERATED ALWAYS AS IDENTITY",
     ["~ table app.t20", "~   column id: no identity -> identity ALWAYS"]),
    ("ALTER TABLE app.t20 ADD twice numeric GENERATED ALWAYS AS (price * 2) STORED",
     ["~ table app.t20", "+   column twice numeric, nullable, generated (price * (2)::numeric)"]),
    ('ALTER TABLE app.t20 ALTER note TYPE text COLLATE "C"',
     ["~ table app.t20", '~   column note: no collate -> collate "C"']),
    ("ALTER TABLE app.t20 ALTER note SET STORAGE EXTERNAL",
     ["~ table app.t20", "~   column note: no storage -> storage EXTERNAL"]),
    ("ALTER TABLE app.t20 ALTER note SET COMPRESSION pglz",
     ["~ table app.t20", "~   column note: no compression -> compression pglz"]),
    ("ALTER TABLE app.t20 ALTER note SET STATISTICS 500",
     ["~ table app.t20", "~   column note: no statistics -> statistics 500"]),
    ("ALTER TABLE app.t20 ALTER note SET (n_distinct = 5)",
     ["~ table app.t20", "~   column note: no options -> options n_distinct=5"]),
    ("ALTER TABLE app.t2 DROP CONSTRAINT t2_id_fkey", ["~ table app.t2", "-   foreign key t2_id_fkey"]),
    ("ALTER TABLE app.t2 VALIDATE CONSTRAINT noted",
     ["~ table app.t2", "~   check noted: not valid -> valid"]),
    ("ALTER TABLE app.t20 ADD UNIQUE (code)",
     ["~ table app.t20", "+   unique constraint t20_code_key (code)"]),
    ("ALTER TABLE app.t20 DROP CONSTRAINT t20_pkey", ["~ table app.t20", "-   primary key t20_pkey"]),
    ("ALTER TABLE app.t20 ADD EXCLUDE (note WITH =)",
     ["~ table app.t20", "+   exclusion constraint t20_note_excl USING btree (note WITH =)"]),
    ("CREATE INDEX extra ON app.t20 (lower(note)) WHERE price > 5",
     ["~ table app.t20", "+   index app.extra (lower(note)) WHERE (price > (5)::numeric)"]),
    ("DROP INDEX app.t3_code", ["~ table app.t3", "-   index app.t3_code"]),
    ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.t3_code'::regclass",
     ["~ table app.t3", "~   index app.t3_code: (code) -> (code) INVALID"]),
    ("CREATE OR REPLACE VIEW app.cheap AS SELECT 2 AS id",
     ["~ view app.cheap", "~   query: SELECT 1 AS id -> SELECT 2 AS id"]),
    ("ALTER VIEW app.cheap SET (security_barrier)", ["~ view app.cheap", "+   with security_barrier=true"]),
    ("REFRESH MATERIALIZED VIEW app.sums WITH NO DATA",
     ["~ materialized view app.sums", "+   not populated"]),
    ("CREATE OR REPLACE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN old; END'",
     ["~ function app.touch(): one definition -> another"]),
    ("CREATE PROCEDURE app.p() LANGUAGE sql AS 'SELECT 1'", ["+ procedure app.p(): LANGUAGE sql"]),
    ("DROP AGGREGATE app.total (int)", ["- aggregate app.total(integer)"]),
    ("ALTER TABLE app.t6 DISABLE TRIGGER touched",
     ["~ table app.t6", "~   trigger touched: … app.touch() -> … app.touch() DISABLED"]),
    ("ALTER TABLE app.t7 DISABLE RULE kept",
     ["~ table app.t7", "~   rule kept: … NOTHING -> … NOTHING DISABLED"]),
    ("ALTER POLICY own ON app.t8 TO pg_monitor",
     ["~ table app.t8", "~   policy own: … TO PUBLIC … -> … TO pg_monitor …"]),
    ("DROP STATISTICS app.both", ["~ table app.t9", "-   statistics app.both"]),
    ("ALTER TYPE app.mood ADD VALUE 'so so' AFTER 'good'",
     ["~ enum type app.mood", "+   value 'so so' after 'good'"]),
    ("ALTER DOMAIN app.mail SET NOT NULL", ["~ domain app.mail: text -> text NOT NULL"]),
    ("ALTER DOMAIN app.mail DROP CONSTRAINT mail_check", ["~ domain app.mail", "-   check mail_check"]),
    ("ALTER TYPE app.pair ADD ATTRIBUTE c int",
     ["~ composite type app.pair: (a integer, b text) -> (a integer, b text, c integer)"]),
    ("DROP TYPE app.span", ["- range type app.span"]),
    ("ALTER SEQUENCE app.numbers OWNED BY app.t20.id",
     ["~ table app.t20", "~   sequence app.numbers: … 1 -> … 1 OWNED BY app.t20.id"]),
    ("ALTER TABLE app.parts DETACH PARTITION app.part_1",
     ["~ table app.part_1", "-   bound FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
      "-   partition of app.parts"]),
    ("CREATE TABLE app.part_2 PARTITION OF app.parts DEFAULT",
     ["+ table app.part_2: partition of app.parts, DEFAULT", "+   columns at date not null"]),
    ("CREATE EXTENSION citext VERSION '1.4'", ["+ extension citext: 1.4"]),
    ("GRANT INSERT ON app.t12 TO pg_monitor",
     ["~ table app.t12", "~   grant to pg_monitor: SELECT -> INSERT, SELECT"]),
    ("GRANT UPDATE (note) ON app.t20 TO PUBLIC",
     ["~ table app.t20", "+   grant on column note to PUBLIC: UPDATE"]),
    ("GRANT USAGE ON SEQUENCE app.numbers TO pg_monitor",
     ["~ sequence app.numbers", "+   grant to pg_monitor: USAGE"]),
    ("REVOKE EXECUTE ON FUNCTION app.touch FROM PUBLIC",
     ["~ function app.touch()", "+   grant to PUBLIC: nothing, where PUBLIC has rights by default"]),
    ("GRANT CREATE ON SCHEMA app TO pg_monitor", ["~ schema app", "+   grant to pg_monitor: CREATE"]),
    ("REVOKE USAGE ON TYPE app.mood FROM PUBLIC",
     ["~ enum type app.mood", "+   grant to PUBLIC: nothing, where PUBLIC has rights by default"]),
    ("GRANT CREATE ON DATABASE {database} TO pg_monitor", ["+ grant database to pg_monitor: CREATE"]),
    ("ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO pg_monitor",
     ["+ default privileges by the owner in app on tables to pg_monitor: SELECT"]),
    ("COMMENT ON TABLE app.t11 IS 'else'",
     ["~ table app.t11", "~   comment: 'what it holds' -> 'else'"]),
    ("COMMENT ON INDEX app.t3_code IS 'why'", ["~ table app.t3", "+   comment on index app.t3_code: 'why'"]),
    ("ALTER PUBLICATION news SET TABLE app.t10 (id) WHERE (id > 5)",
     ["~ publication news: … app.t10 … -> … app.t10 (id) WHERE (id > 5) …"]),
    ("CREATE EVENT TRIGGER told ON ddl_command_end EXECUTE FUNCTION app.told()",
     ["+ event trigger told: ON ddl_command_end EXECUTE app.told"]),
    ("ALTER DATABASE {database} SET work_mem = '9MB'", ["+ setting database work_mem: 9MB"]),
    ("ALTER ROLE postgres IN DATABASE {database} SET work_mem = '9MB'", ["+ setting postgres work_mem: 9MB"]),
    ("ALTER SEQUENCE app.numbers INCREMENT 3",
     ["~ sequence app.numbers", "~   numbers: … INCREMENT 1 … -> … INCREMENT 3 …"]),
    ("ALTER SERVER elsewhere OPTIONS (SET host 'b')",
     ["~ foreign server elsewhere: WRAPPER wrapper OPTIONS (host=a) -> WRAPPER wrapper OPTIONS (host=b)"]),
    ("CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'u', password 'secret')",
     ["+ user mapping elsewhere to PUBLIC: OPTIONS (user=u)"]),
    ("ALTER FOREIGN TABLE app.far OPTIONS (place 'x')",
     ["~ foreign table app.far", "~   server: elsewhere -> elsewhere options (place=x)"]),
    ("CREATE CAST (app.pair AS text) WITH INOUT", ["+ cast app.pair as text: WITH INOUT"]),
    ("CREATE OPERATOR app.=== (FUNCTION = app.same, LEFTARG = int, RIGHTARG = int)",
     ["+ operator app.===(integer,integer): FUNCTION app.same"]),
    ("CREATE OPERATOR FAMILY app.family USING btree", ["+ operator family app.family using btree"]),
    ("CREATE COLLATION app.german FROM \"C\"", ["+ collation app.german: libc C C"]),
    ("DROP TEXT SEARCH CONFIGURATION app.words", ["- text search configuration app.words"]),
    ("CREATE SCHEMA extra", ["+ schema extra"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def thousand(postgres: Any) -> Iterator[tuple[Connection, Catalog]]:
    """A session on the database, and its catalog."""
    url = postgres.create_database("thousand")
    with connected(url) as admin:
        admin.run(THOUSAND)
    with session(target_from_url(url), Limits()) as connection:
        before = catalog.snapshot(connection)
        connection.rollback()
        yield connection, before
    postgres.drop_database("thousand")


@pytest.mark.parametrize(("statement", "said"), INJECTED, ids=[statement for statement, _ in INJECTED])
def test_a_difference_is_found_and_nothing_else(
    thousand: tuple[Connection, Catalog], statement: str, said: list[str]
) -> None:
    connection, before = thousand
    by_force = statement.startswith("UPDATE")  # takes no lock that tells of it
    try:
        connection.exec_driver_sql(statement.format(database="thousand"))
        after = catalog.snapshot(connection) if by_force else catalog.reread(connection, before)
    finally:
        connection.rollback()
    assert describe_changes(before, changes_between(before, after)) == said
    assert fingerprint(before) != fingerprint(after)


def test_nothing_injected_is_nothing_found(thousand: tuple[Connection, Catalog]) -> None:
    connection, before = thousand
    assert len(INJECTED) >= 50
    assert fingerprint(catalog.snapshot(connection)) == fingerprint(before)
    connection.rollback()
