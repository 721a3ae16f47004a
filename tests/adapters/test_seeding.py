"""Seeds: every table that a generator can fill is filled, alike on every run, and nothing else is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection
from tests.adapters import project as sessions
from tests.adapters.seed_forms import FORMS, LINKS, TYPES

from dbmigrate.adapters import connection as connections
from dbmigrate.adapters.connection import Limits, target_from_url
from dbmigrate.adapters.seeding import Seeded, fill, rows_of
from dbmigrate.domain.rows import lost


@pytest.fixture
def scratch(database: str) -> Iterator[Connection]:
    with connections.connected(target_from_url(database), Limits(application="test")) as connection:
        yield connection


def run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def read(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_every_type_gets_values_and_a_row_without(scratch: Connection) -> None:
    columns = [f"c{number} {name.replace(',', ', ')}" for number, name in enumerate(TYPES)]
    run(scratch, f"CREATE TABLE everything (id bigint PRIMARY KEY, {', '.join(columns)})")
    for number, name in enumerate(TYPES):
        run(scratch, f"CREATE TABLE of_{number} (c {name} NOT NULL)")
    seeded = fill(scratch)
    assert seeded.empty == ()
    assert len(seeded.filled) == len(TYPES) + 1
    nulls = ", ".join(f"count(c{number})::int" for number in range(len(TYPES)))
    assert read(scratch, f"SELECT count(*)::int, {nulls} FROM everything") == [(3, *[2] * len(TYPES))]


@pytest.mark.parametrize("form", FORMS)
def test_what_a_table_may_ask_of_its_rows(scratch: Connection, form: str) -> None:
    run(scratch, FORMS[form])
    seeded = fill(scratch)
    assert seeded.empty == ()
    for table in seeded.filled:
        quoted = table.replace(".", '"."')
        assert read(scratch, f'SELECT count(*) > 0 FROM "{quoted}"') == [(True,)]


ORPHANS = """
SELECT format('SELECT %L WHERE EXISTS (SELECT FROM %s c WHERE (%s) AND'
       ' NOT EXISTS (SELECT FROM %s p WHERE %s))',
       k.conname, k.conrelid::regclass,
       (SELECT string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') FROM pg_attribute a
         WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)), k.confrelid::regclass,
       (SELECT string_agg(format('c.%I = p.%I', a.attname, b.attname), ' AND ')
          FROM unnest(k.conkey, k.confkey) u(x, y)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.x
          JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.y))
  FROM pg_constraint k WHERE k.contype = 'f'"""


@pytest.mark.parametrize("form", LINKS)
def test_foreign_keys_name_rows_that_are_there(scratch: Connection, form: str) -> None:
    run(scratch, LINKS[form])
    seeded = fill(scratch)
    assert seeded.empty == ()
    assert [name for (query,) in read(scratch, ORPHANS) for name in read(scratch, query)] == []


def test_a_circle_is_closed_afterwards(scratch: Connection) -> None:
    run(scratch, LINKS["a circle"])
    fill(scratch)
    assert read(scratch, "SELECT count(b)::int FROM a") == [(1,)]


def test_a_tree_has_a_root_and_an_end(scratch: Connection) -> None:
    run(scratch, LINKS["itself"])
    fill(scratch)
    climb = (
        "WITH RECURSIVE c(id) AS (SELECT id FROM t WHERE up IS NULL UNION ALL SELECT t.id FROM t "
        "JOIN c ON up = c.id)"
    )
    assert read(scratch, f"{climb} SELECT count(*)::int FROM c") == [(3,)]


EMPTY = {
    "no row can be": (
        "CREATE TABLE t (a int CHECK (a > 1 AND a < 1 AND a IS NOT NULL))",
        'new row for relation "t" violates check constraint "t_a_check"',
    ),
    "an unknown condition": (
        "CREATE FUNCTION no(x text) RETURNS bool LANGUAGE sql AS 'SELECT false';"
        "CREATE TABLE t (a text CHECK (no(a)))",
        'new row for relation "t" violates check constraint "t_a_check"',
    ),
    "no partition": (
        "CREATE TABLE t (a int) PARTITION BY LIST (a)",
        'no partition of relation "t" found for row',
    ),
    "a rule": (
        (
            "CREATE TABLE t (a int); CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING; ALTER TABLE "
            "t ENABLE ALWAYS RULE r"
        ),
        "a rule or a trigger keeps the rows out",
    ),
    "a trigger that always fires": (
        (
            "CREATE TABLE t (a int); CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE 'not here'; END $$; CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW "
            "EXECUTE FUNCTION no();ALTER TABLE t ENABLE ALWAYS TRIGGER no"
        ),
        "not here",
    ),
}


@pytest.mark.parametrize("form", EMPTY)
def test_a_table_that_stays_empty_is_named_with_the_reason(scratch: Connection, form: str) -> None:
    sql, reason = EMPTY[form]
    run(scratch, f"{sql}; CREATE TABLE other (a int)")
    assert fill(scratch) == Seeded(("public.other",), (("public.t", reason),))
    assert read(scratch, "SELECT count(*)::int FROM other") == [(3,)]


def test_what_refers_to_an_empty_table_is_empty_too(scratch: Connection) -> None:
    run(scratch, "CREATE TABLE a (id int PRIMARY KEY CHECK (id < 0 AND id > 0))")
    run(
        scratch,
        "CREATE TABLE b (a int NOT NULL CONSTRAINT to_a REFERENCES a)",
        "CREATE TABLE c (a int REFERENCES a)",
    )
    seeded = fill(scratch)
    assert seeded.filled == ("public.c",)
    assert seeded.empty[1] == ("public.b", 'no row of public.a for foreign key "to_a" to name')


def test_a_promise_that_is_not_kept(scratch: Connection) -> None:
    run(
        scratch,
        LINKS["a circle that must"].replace(
            "CREATE TABLE b (", "CREATE TABLE b (CHECK (id < 0 AND id > 0), "
        ),
    )
    seeded = fill(scratch)
    assert [name for name, _ in seeded.empty] == ["public.a", "public.b"]
    assert read(scratch, "SELECT count(*)::int FROM a") == [(0,)]


@pytest.mark.parametrize(
    "form", ["plain", "composite", "itself", "a circle", "a circle that must", "tenants"]
)
def test_a_role_that_may_not_switch_triggers_off(scratch: Connection, form: str) -> None:
    run(
        scratch,
        "CREATE ROLE plain_seeder",
        "GRANT ALL ON SCHEMA public TO plain_seeder",
        "SET ROLE plain_seeder",
    )
    try:
        run(scratch, LINKS[form], "SET CONSTRAINTS ALL IMMEDIATE")
        assert fill(scratch).empty == ()
    finally:
        scratch.rollback()


def test_rows_of_others_sequences_views_and_settings_stay_as_they_are(scratch: Connection) -> None:
    run(
        scratch,
        "CREATE TABLE full_one (id serial PRIMARY KEY, a text); INSERT INTO full_one (a) VALUES ('mine')",
        "CREATE TABLE a (id serial PRIMARY KEY); CREATE VIEW v AS SELECT * FROM a",
        (
            "CREATE TABLE alembic_version (version_num text); CREATE SCHEMA dbmigrate; CREATE TABLE "
            "dbmigrate.run (a int)"
        ),
        "CREATE TEMP TABLE passing (a int)",
        "SET TimeZone = 'Asia/Tokyo'; SET search_path = pg_catalog, public",
    )
    assert fill(scratch) == Seeded(("public.a",))
    assert read(scratch, "SELECT * FROM full_one") == [(1, "mine")]
    assert read(scratch, "SELECT nextval('a_id_seq')::int, min(id), max(id) FROM a") == [
        (1, 1000000001, 1000000003)
    ]
    settings = (
        "current_setting('TimeZone'), current_setting('search_path'), "
        "current_setting('session_replication_role')"
    )
    assert read(scratch, f"SELECT {settings}") == [("Asia/Tokyo", "pg_catalog, public", "origin")]
    assert fill(scratch) == Seeded()


def test_only_the_tables_that_are_asked_for(scratch: Connection) -> None:
    run(
        scratch,
        LINKS["plain"],
        LINKS["from partitions"].replace("TABLE b ", "TABLE b2 ").replace("b)", "b2)"),
    )
    assert fill(scratch, ["public.p"]).filled == ()
    assert fill(scratch, ["public.b", "public.b2", "public.gone"]).filled == ("public.b", "public.b2")
    assert fill(scratch, ["public.p", "public.a"]).filled == ("public.a", "public.p", "public.p1")


def test_the_same_schema_gets_the_same_rows(scratch: Connection) -> None:
    schema = [FORMS["status needs a date"], *LINKS["tenants"].split("; ")]
    run(scratch, *schema)
    seeded = fill(scratch)
    once = rows_of(scratch, seeded.filled)
    scratch.rollback()
    run(scratch, *schema)
    assert fill(scratch) == seeded
    assert rows_of(scratch, seeded.filled) == once
    scratch.rollback()


def test_values_differ_and_use_the_length_of_the_type(scratch: Connection) -> None:
    run(scratch, "CREATE TABLE t (a varchar(30), b text, n numeric(8, 2))")
    fill(scratch)
    assert read(
        scratch, "SELECT max(length(a)), count(DISTINCT a)::int, count(DISTINCT b)::int, max(n) FROM t"
    ) == [(30, 2, 2, Decimal("987654.99"))]


def test_a_usual_schema_is_filled_in_a_moment(scratch: Connection) -> None:
    for number in range(100):
        to = f", up int NOT NULL REFERENCES t{number - 1}" if number else ""
        run(
            scratch,
            f"CREATE TABLE t{number} (id serial PRIMARY KEY, name varchar(80) NOT NULL UNIQUE, body text,"
            " at timestamptz NOT NULL DEFAULT now(), state text CHECK (state IN ('on', 'off')), data jsonb,"
            f" price numeric(10, 2){to})",
        )
    began = time.perf_counter()
    assert len(fill(scratch).filled) == 100
    assert time.perf_counter() - began < 2, "it takes a fifth of a second on two quiet cores"


def test_rows_with_their_keys_whatever_the_session_says(scratch: Connection) -> None:
    run(
        scratch,
        "CREATE TABLE t (b text, a int PRIMARY KEY, at timestamptz, gone int); ALTER TABLE t DROP gone",
    )
    run(scratch, "INSERT INTO t VALUES ('x', 1, '2001-01-01 00:00+00'), (NULL, 2, NULL)")
    run(scratch, "SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'")
    (found,) = rows_of(scratch, ["public.t", "public.missing"]).values()
    assert found.key == ("a",)
    assert found.columns == (("b", "text"), ("a", "integer"), ("at", "timestamp with time zone"))
    assert sorted(found.rows or (), key=str) == [("x", "1", "2001-01-01 00:00:00+00"), (None, "2", None)]
    assert read(scratch, "SELECT current_setting('TimeZone')") == [("Asia/Tokyo",)]


def test_many_rows_are_compared_by_digest(scratch: Connection) -> None:
    run(scratch, "CREATE TABLE t (a int PRIMARY KEY, b text, c text)")
    run(
        scratch,
        "INSERT INTO t SELECT i, 'b' || i, CASE WHEN i > 5 THEN 'c' END FROM generate_series(1, 30) i",
    )
    before = rows_of(scratch, ["public.t"], limit=20)
    assert before["public.t"].rows is None
    run(scratch, "UPDATE t SET b = 'new' WHERE a = 7", "ALTER TABLE t DROP c")
    assert lost(before, rows_of(scratch, ["public.t"], limit=20)) == (
        ("public.t", "b", 1),
        ("public.t", "c", 25),
    )


def test_no_tables_no_rows(scratch: Connection) -> None:
    assert rows_of(scratch, []) == rows_of(scratch, ["public.nothing"]) == {}


def test_a_table_that_may_not_be_read_breaks_nothing(scratch: Connection) -> None:
    run(scratch, "CREATE ROLE other_reader", "CREATE TABLE t (a int)", "SET ROLE other_reader")
    assert fill(scratch) == Seeded((), (("public.t", "permission denied for table public.t"),))
    assert rows_of(scratch, ["public.t"]) == {}
    scratch.rollback()


def test_another_session_sees_the_rows_after_the_commit(scratch: Connection, database: str) -> None:
    run(scratch, "CREATE TABLE t (a int)")
    fill(scratch)
    scratch.commit()
    assert sessions.rows(database, "SELECT count(*)::int FROM t") == [(3,)]
