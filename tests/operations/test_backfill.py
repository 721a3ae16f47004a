"""Rows written in batches: each exactly once, whatever cuts the work, and nobody waits for them."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from tests.adapters.project import rows
from tests.operations.filling import COUNT, ONCE, add_one, afresh, counts, small_batches
from tests.operations.running import (
    Killed,
    Watching,
    cut_at_each_statement,
    forget,
    killed_at_each_question,
    operate,
    sql,
)

from dbmigrate.adapters.operations import pieces
from dbmigrate.domain.errors import RevisionFailed

__all__ = ["small_batches"]
pytestmark = pytest.mark.usefixtures("small_batches")
KEYS = {
    "int": ("id int PRIMARY KEY", "i"),
    "uuid": ("id uuid PRIMARY KEY", "gen_random_uuid()"),
    "text": ('id text COLLATE "en-x-icu" PRIMARY KEY', "E'it\\'s \\\\ :x %s ä ' || chr(65 + i % 60) || i"),
    "bpchar": ("id character(12) PRIMARY KEY", "i::text"),
    "timestamps": ("id timestamptz PRIMARY KEY", "'2024-03-31 00:00+00'::timestamptz + i * '7 s'::interval"),
    "numeric": ("id numeric PRIMARY KEY", "i / 7.0"),
    "float": ("id float8 PRIMARY KEY", "i / 7.0::float8"),
    "bytes": ("id bytea PRIMARY KEY", "sha256(i::text::bytea)"),
    "infinite": ("id date PRIMARY KEY", "CASE i WHEN 1 THEN '-infinity' ELSE date '2000-01-01' + i END"),
    "downwards": ("id int NOT NULL", "i"),
    "odd name": ('"A key: 50%" int PRIMARY KEY', "i"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_every_type_of_key_is_walked_and_resumed(database: str, kind: str) -> None:
    key, value = KEYS[kind]
    again = afresh(database, key, value)
    if kind == "downwards":
        sql(database, "CREATE UNIQUE INDEX u ON t (id DESC)")
    sql(
        database, f"ALTER DATABASE {database.rpartition('/')[2].partition('?')[0]} SET datestyle = 'SQL, DMY'"
    )
    operate(database, add_one)
    assert counts(database) == ONCE
    again()
    if kind == "downwards":
        sql(database, "CREATE UNIQUE INDEX u ON t (id DESC)")
    with pytest.raises(Killed):
        operate(database, add_one, Watching(4))
    assert len(counts(database)) == 2
    operate(database, add_one)
    assert counts(database) == ONCE


@pytest.mark.parametrize("key", [None, ("a", "b"), ("c", "a")])
def test_a_key_of_several_columns_is_compared_as_a_row(database: str, key: Any) -> None:
    def make() -> None:
        forget(database)
        sql(
            database,
            "DROP TABLE IF EXISTS t",
            "CREATE TABLE t (a text, b int, c date NOT NULL, x int DEFAULT 0, PRIMARY KEY (a, b))",
            "CREATE UNIQUE INDEX u ON t (c, a)",
            f"INSERT INTO t SELECT 'k' || i % 7, i, date '2020-01-01' + i FROM generate_series(1, {COUNT}) i",
        )

    for _ in killed_at_each_question(database, make, lambda op: op.backfill("t", "x = x + 1", key=key)):
        assert counts(database) == ONCE


@pytest.mark.parametrize("before", [True, False])
def test_cut_at_any_statement_each_row_is_written_once(
    database: str, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "MOST", 200)
    make, seen = afresh(database), []

    def fewer() -> None:
        make()
        sql(database, "DELETE FROM t WHERE id > 300")

    for statement in cut_at_each_statement(database, fewer, add_one, before):
        assert counts(database) == [(1, 300)], statement
        seen.append(statement)
    assert sum("UPDATE t SET" in statement for statement in seen) == 2
    assert any("COMMIT" in statement for statement in seen)


def test_only_the_rows_that_are_meant(database: str) -> None:
    afresh(database)
    operate(database, lambda op: op.backfill("t", "x = n, n = NULL", "n % 2 = 0 OR n < 10"))
    meant = [i for i in range(1, COUNT + 1) if i % 2 == 0 or i < 10]
    assert rows(database, "SELECT count(*), sum(x) FROM t WHERE n IS NULL") == [(len(meant), sum(meant))]
    assert rows(database, "SELECT count(*) FROM t WHERE x <> 0 AND n IS NOT NULL") == [(0,)]


def test_each_piece_is_short_and_has_both_ends(database: str) -> None:
    afresh(database)
    said: list[str] = []

    def listen(raw: Any) -> Any:
        send = raw.execute_simple
        raw.execute_simple = lambda text: (said.append(text), send(text))[1]
        return raw

    operate(database, add_one, None, listen)
    updates = [each for text in said for each in text.split("; ") if each.startswith("UPDATE t ")]
    assert updates[0] == "UPDATE t SET x = x + 1 WHERE id <= '200'::integer"
    assert all("id > " in text and "id <= " in text for text in updates[1:])
    assert 6 <= len(updates) <= 12


def test_progress_says_how_far_it_is(database: str) -> None:
    afresh(database)
    sql(database, "ANALYZE t")
    watching = Watching()
    operate(database, add_one, watching)
    told = [each for each in watching.asked if each.rows_done is not None]
    done = [each.rows_done for each in told]
    assert done == sorted(done) and done[-1] == COUNT
    assert {each.rows_total for each in told} == {COUNT}
    assert told[-1].percent == 100 and told[0].seconds_left is not None and "rows/s" in told[0].detail
    assert rows(database, "SELECT rows_done, rows_total, finished FROM dbmigrate.work") == [
        (COUNT, COUNT, True)
    ]


def test_remarks_of_the_revision_take_nothing_away(database: str) -> None:
    afresh(database)
    sql(database, "UPDATE t SET n = -1 WHERE id % 2 = 0")
    operate(database, lambda op: op.backfill("t", "x = x + 1 -- once", "n > 0 -- those left"))
    assert counts(database) == [(0, COUNT // 2), (1, COUNT - COUNT // 2)]


def test_an_empty_table_has_its_expressions_checked(database: str) -> None:
    sql(database, "CREATE TABLE t (id int PRIMARY KEY, x int)")
    with pytest.raises(Exception, match="no_such"):
        operate(database, lambda op: op.backfill("t", "x = no_such + 1"))
    operate(database, add_one)
    assert rows(database, "SELECT finished FROM dbmigrate.work WHERE finished") == [(True,)]


def test_a_partitioned_table_in_a_schema_with_odd_names(database: str) -> None:
    sql(
        database,
        'CREATE SCHEMA "My App"',
        'CREATE TABLE "My App"."T %" (id int, at date, "x:y" int DEFAULT 0, PRIMARY KEY (id, at)) '
        "PARTITION BY RANGE (at)",
        'CREATE TABLE "My App".p1 PARTITION OF "My App"."T %" '
        "FOR VALUES FROM ('2020-01-01') TO ('2022-01-01')",
        'CREATE TABLE "My App".p2 PARTITION OF "My App"."T %" DEFAULT',
        f'INSERT INTO "My App"."T %" SELECT i, date \'2020-01-01\' + i FROM generate_series(1, {COUNT}) i',
    )
    operate(database, lambda op: op.backfill("T %", {"x:y": '"x:y" + 1'}, "'a:b' LIKE 'a%'", schema="My App"))
    assert rows(database, 'SELECT "x:y", count(*) FROM "My App"."T %" GROUP BY 1') == [(1, COUNT)]


def test_without_a_key_nothing_is_begun_and_it_says_what_to_type(database: str) -> None:
    sql(database, "CREATE TABLE t (id int UNIQUE, x int)", "CREATE UNIQUE INDEX p ON t (x) WHERE x > 0")
    with pytest.raises(RevisionFailed, match="no valid unique index") as refused:
        operate(database, add_one)
    assert "op.set_not_null('t', 'COLUMN')" in str(refused.value)
    sql(database, "ALTER TABLE t ADD PRIMARY KEY (id)")
    with pytest.raises(RevisionFailed, match=r"unique index on \(x\)"):
        operate(database, lambda op: op.backfill("t", "x = 1", key="x"))
    with pytest.raises(RevisionFailed, match="walked by id, and SET changes it"):
        operate(database, lambda op: op.backfill("t", {"id": "id + 1"}))
    with pytest.raises(RevisionFailed, match="no table nowhere"):
        operate(database, lambda op: op.backfill("nowhere", "x = 1"))


def test_a_wide_table_offline_is_one_statement() -> None:
    said = StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},
        opts={"as_sql": True, "output_buffer": said},
    )
    Operations(context).backfill("t", {"Ab": "'x:y'"}, "n % 2 = 0 -- the even ones", schema="s")
    text = " ".join(said.getvalue().split())
    assert "-- backfill:" in text
    assert """UPDATE s.t SET "Ab" = 'x:y' WHERE n % 2 = 0 -- the even ones ;""" in text
    assert "-- the even ones\n;" in said.getvalue(), "a remark does not take the end of the statement away"


def test_the_cursor_says_where_the_walk_is(database: str) -> None:
    afresh(database)
    with pytest.raises(Killed):
        operate(database, add_one, Watching(3))
    ((cursor, done),) = rows(database, "SELECT cursor, rows_done FROM dbmigrate.work")
    after, end = json.loads(cursor)
    assert (int(after[0]), end) == (done, False)
    assert counts(database) == [(0, COUNT - done), (1, done)]
