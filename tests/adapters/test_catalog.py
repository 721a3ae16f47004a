"""Drift: each change by hand is named, and a dump that was restored is no change."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.project import connected, rows

from dbmigrate.adapters import catalog
from dbmigrate.adapters.catalog.objects import FILED_UNDER
from dbmigrate.adapters.catalog.prepared import groups
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import load_history
from dbmigrate.domain.catalog import Catalog, changes_between
from dbmigrate.domain.drift import describe_drift
from dbmigrate_local.embedded import EmbeddedPostgres

SAMPLE = Path(__file__).parents[2] / "migrations"
EVERYTHING = """
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('good', 'bad');
CREATE DOMAIN shop.mail AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE shop.pair AS (a int, b text);
CREATE TYPE shop.span AS RANGE (subtype = float8);
CREATE SEQUENCE shop.numbers START 7 INCREMENT 2;
CREATE TABLE shop.items (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar(20) NOT NULL DEFAULT 'x' CHECK (code IN ('x', 'it''s', 'z')),
    price numeric(10, 2), doubled numeric GENERATED ALWAYS AS (id * 2) STORED,
    mood shop.mood, mail shop.mail, tags text[] DEFAULT '{}', n int DEFAULT nextval('shop.numbers'));
CREATE INDEX items_price ON shop.items (price DESC) WHERE code IN ('x', 'z');
CREATE UNIQUE INDEX items_lower ON shop.items (lower(code));
CREATE TABLE shop.lines (id int, item bigint REFERENCES shop.items ON DELETE CASCADE);
CREATE TABLE shop.months (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE shop.months_1 PARTITION OF shop.months FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE INDEX months_n ON shop.months (n);
CREATE VIEW shop.cheap WITH (security_barrier) AS SELECT id, code FROM shop.items WHERE code IN ('x', 'z');
CREATE MATERIALIZED VIEW shop.sums AS SELECT count(*) AS n FROM shop.items;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touched BEFORE UPDATE ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE RULE no_delete AS ON DELETE TO shop.lines DO INSTEAD NOTHING;
ALTER TABLE shop.items ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.items FOR SELECT TO pg_monitor USING (code = 'x');
CREATE STATISTICS shop.both (dependencies) ON code, price FROM shop.items;
ALTER TABLE shop.items ALTER code SET STATISTICS 500;
COMMENT ON COLUMN shop.items.code IS 'what it is';
"""
MORE = """
CREATE PROCEDURE shop.tidy(n int DEFAULT 5) LANGUAGE sql AS 'DELETE FROM shop.lines WHERE id > n';
CREATE AGGREGATE shop.total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', PARALLEL = SAFE);
CREATE FUNCTION shop.same(int, int) RETURNS bool LANGUAGE sql AS 'SELECT $1 = $2';
CREATE OPERATOR shop.=== (FUNCTION = shop.same, LEFTARG = int, RIGHTARG = int, COMMUTATOR =
    OPERATOR(shop.===));
CREATE OPERATOR CLASS shop.ints FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int);
CREATE CAST (shop.pair AS text) WITH INOUT AS ASSIGNMENT;
CREATE COLLATION shop.german FROM "C";
CREATE TEXT SEARCH CONFIGURATION shop.words (COPY = english);
CREATE TEXT SEARCH DICTIONARY shop.plain (TEMPLATE = simple);
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER wrapper OPTIONS (host 'a');
CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'u', password 'secret');
CREATE FOREIGN TABLE shop.far (id int OPTIONS (column_name 'x')) SERVER elsewhere OPTIONS (place 'b');
CREATE PUBLICATION news FOR TABLE shop.lines (id) WHERE (id > 5);
CREATE FUNCTION shop.told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER told ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION shop.told();
GRANT SELECT, UPDATE ON shop.items TO pg_monitor WITH GRANT OPTION;
GRANT SELECT (code) ON shop.items TO PUBLIC;
GRANT USAGE ON SCHEMA shop TO pg_monitor;
REVOKE EXECUTE ON FUNCTION shop.touch FROM PUBLIC;
REVOKE USAGE ON TYPE shop.mood FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO pg_monitor;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER TABLE shop.lines OWNER TO pg_monitor;
ALTER TABLE shop.lines SET (fillfactor = 70), ALTER id SET STORAGE PLAIN, DISABLE RULE no_delete;
CREATE TABLE shop.heir (extra timestamptz DEFAULT '2026-01-01 00:00:00+02') INHERITS (shop.lines);
CREATE TABLE shop.hours (at timestamptz NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE shop.hours_1 PARTITION OF shop.hours FOR VALUES FROM ('2026-01-01 00:00+01') TO ('2026-01-02');
ALTER TABLE shop.items ADD CHECK (mood <> ALL (ARRAY['bad'::shop.mood])), ADD CHECK (n NOT IN (1, 2)),
    ADD CHECK (code NOT IN ('u', 'v') AND (price BETWEEN -1 AND 1e6 OR tags && ARRAY['a', 'b']));
CREATE VIEW shop.joined AS SELECT * FROM shop.items JOIN shop.lines USING (id) WHERE code LIKE 'a%'
    OR mail IS NULL;
CREATE MATERIALIZED VIEW shop.later AS SELECT 1 AS n WITH NO DATA;
"""
ELSEWHERE = {"setting", "subscription", "extension", "base type", "conversion", "language", "access method"}
"""Kinds that neither has any of."""
BY_HAND = [
    ("CREATE TABLE public.extra (id int)", "table public.extra is in no revision"),
    ("DROP TABLE shop.lines", "table shop.lines is missing"),
    ("ALTER TABLE shop.items ADD note text",
     "table shop.items: column note is in no revision: text, nullable"),
    ("ALTER TABLE shop.items ALTER price TYPE numeric(12, 2)",
     "table shop.items: column price is numeric(12,2), the revisions say numeric(10,2)"),
    ("ALTER TABLE shop.items ALTER code SET DEFAULT 'z'",
     "table shop.items: column code is default 'z', the revisions say default 'x'"),
    ("ALTER TABLE shop.items ALTER code SET STATISTICS 100", "column code is statistics 100"),
    ("DROP INDEX shop.items_price", "table shop.items: index shop.items_price is missing"),
    ("CREATE INDEX extra ON shop.items (n)", "table shop.items: index shop.extra is in no revision: (n)"),
    ("CREATE OR REPLACE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN old; END'",
     "function shop.touch() is"),
    ("DROP TRIGGER touched ON shop.items", "table shop.items: trigger touched is missing"),
    ("ALTER TABLE shop.items DISABLE TRIGGER touched",
     "table shop.items: trigger touched is … shop.touch() DISABLED"),
    ("ALTER TYPE shop.mood ADD VALUE 'so so' AFTER 'good'",
     "enum type shop.mood: value 'so so' is in no revision: after 'good'"),
    ("ALTER TABLE shop.lines DROP CONSTRAINT lines_item_fkey",
     "table shop.lines: foreign key lines_item_fkey is missing"),
    ("ALTER TABLE shop.items ADD CHECK (n > 0) NOT VALID",
     "check items_n_check is in no revision: (n > 0), not valid"),
    ("ALTER DOMAIN shop.mail SET NOT NULL", "domain shop.mail is text NOT NULL"),
    ("CREATE OR REPLACE VIEW shop.cheap AS SELECT id, code FROM shop.items",
     "view shop.cheap: query is SELECT"),
    ("ALTER TABLE shop.items DISABLE ROW LEVEL SECURITY", "table shop.items: row security is missing"),
    ("ALTER TABLE shop.items REPLICA IDENTITY FULL",
     "table shop.items: replica identity is in no revision: full"),
    ("ALTER POLICY own ON shop.items TO PUBLIC", "table shop.items: policy own is … TO PUBLIC"),
    ("ALTER SEQUENCE shop.numbers INCREMENT 3", "sequence shop.numbers: numbers is … INCREMENT 3 …"),
    ("CREATE TYPE shop.other AS RANGE (subtype = int8)", "range type shop.other is in no revision"),
    ("ALTER TYPE shop.pair ADD ATTRIBUTE c int",
     "composite type shop.pair is (a integer, b text, c integer)"),
    ("DROP STATISTICS shop.both", "table shop.items: statistics shop.both is missing"),
    ("DROP RULE no_delete ON shop.lines", "table shop.lines: rule no_delete is missing"),
    ("COMMENT ON COLUMN shop.items.code IS 'else'", "table shop.items: comment on column code is 'else'"),
    ("CREATE SCHEMA extra", "schema extra is in no revision"),
    ("ALTER TABLE shop.months DETACH PARTITION shop.months_1",
     "table shop.months_1: partition of shop.months is missing"),
    ("CREATE TABLE shop.months_2 PARTITION OF shop.months FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
     "table shop.months_2 is in no revision"),
]  # fmt: skip


@pytest.fixture(scope="module")
def full(postgres: Any) -> Iterator[str]:
    url = postgres.create_database("everything")
    with connected(url) as admin:
        admin.run(EVERYTHING)
    yield url
    postgres.drop_database("everything")


@pytest.fixture
def rich(database: str) -> str:
    """With what a superuser may make, too."""
    with connected(database) as admin:
        admin.run(EVERYTHING + MORE)
    return database


def read(url: str) -> Catalog:
    return Database(target_from_url(url), "development").catalog()


@pytest.mark.parametrize(("by_hand", "named"), BY_HAND, ids=[named for _, named in BY_HAND])
def test_a_change_by_hand_is_named(full: str, by_hand: str, named: str) -> None:
    database = Database(target_from_url(full), "development")
    with database.session() as connection:
        before = catalog.snapshot(connection)
        connection.exec_driver_sql(by_hand)
        drift = describe_drift(before, catalog.snapshot(connection))
        connection.rollback()
    assert any(named in line for line in drift), drift


def test_an_invalid_index_is_drift(full: str) -> None:
    database = Database(target_from_url(full), "development")
    with database.session() as connection:
        before = catalog.snapshot(connection)
        connection.exec_driver_sql(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.items_price'::regclass"
        )
        assert "INVALID" in describe_drift(before, catalog.snapshot(connection))[0]
        assert catalog.invalid_indexes(connection) == ["shop.items_price"]
        connection.rollback()


def test_reading_leaves_the_callers_search_path(full: str) -> None:
    with Database(target_from_url(full), "development").session() as connection:
        connection.exec_driver_sql("SET LOCAL search_path = shop, public")
        catalog.snapshot(connection)
        assert connection.exec_driver_sql("SELECT current_setting('search_path')").scalar() == "shop, public"


def test_every_kind_of_object_is_there(rich: str) -> None:
    kinds = {FILED_UNDER.get(kind, kind) for group in groups(15).values() for kind in group}
    assert kinds - set(read(rich)) == ELSEWHERE


def restored(postgres: Any, url: str, name: str) -> str:
    """A copy that went through pg_dump and psql."""
    address = ["-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres"]
    dump = subprocess.run(
        [postgres.binaries / "pg_dump", *address, url.rpartition("/")[2]], capture_output=True, check=True
    )
    copy = str(postgres.create_database(name, template="template0"))
    subprocess.run(
        [postgres.binaries / "psql", *address, "-q", "-v", "ON_ERROR_STOP=1", "-d", name],
        input=dump.stdout, capture_output=True, check=True,
    )  # fmt: skip
    return copy


def test_a_restored_dump_is_no_change(postgres: Any, rich: str) -> None:
    try:
        assert changes_between(read(rich), read(restored(postgres, rich, "again"))) == ()
    finally:
        postgres.drop_database("again")


def test_a_restored_sample_history_is_no_change(postgres: Any, database: str) -> None:
    history = load_history(SAMPLE)
    sample = Database(target_from_url(database), "development")
    sample.move(history, history.order, "upgrade", "run-1",
                {"bundle": "b", "plan": "p", "direction": "upgrade", "requested_by": "ann"})  # fmt: skip
    try:
        assert changes_between(read(database), read(restored(postgres, database, "sample"))) == ()
    finally:
        postgres.drop_database("sample")


def test_the_ledger_and_the_version_table_are_no_part_of_it(database: str) -> None:
    with connected(database) as admin:
        admin.run("CREATE SCHEMA dbmigrate; CREATE TABLE dbmigrate.x (id int PRIMARY KEY);"
                  "COMMENT ON TABLE dbmigrate.x IS 'ours';"
                  "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")  # fmt: skip
    assert read(database) == {}


def test_members_of_an_extension_are_the_extensions_own(database: str) -> None:
    (name,) = rows(database, "SELECT min(name) FROM pg_available_extensions WHERE name <> 'plpgsql'")[0]
    with connected(database) as admin:
        admin.run(f'CREATE EXTENSION "{name}"')
    assert list(read(database)) == ["extension"]


def test_a_schema_that_only_houses_an_extension_is_the_extensions_own(database: str) -> None:
    with connected(database) as admin:
        admin.run("CREATE SCHEMA home CREATE TABLE ours (id int)")
        admin.run("CREATE EXTENSION citext SCHEMA home")
        assert "home" in read(database)["schema"]
        admin.run("DROP TABLE home.ours")
    assert list(read(database)) == ["extension"]


def test_what_initdb_says_of_its_databases_is_nobodys_change(postgres: EmbeddedPostgres) -> None:
    (said,) = postgres.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'postgres'"
    )
    assert said[0] == "default administrative connection database"
    assert "database" not in read(postgres.url).get("comment", {})
    other = postgres.create_database("commented")
    postgres.execute("COMMENT ON DATABASE commented IS 'ours'")
    assert "database" in read(other)["comment"]
