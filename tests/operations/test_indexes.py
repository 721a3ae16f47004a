"""Indexes built and dropped while others write, whatever ends the build in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.adapters.project import connected, rows, until
from tests.operations.running import (
    Killed,
    Watching,
    cut_at_each_statement,
    forget,
    killed_at_each_question,
    operate,
    shape,
    sql,
)

from dbmigrate.domain.errors import RevisionFailed

TABLE = "CREATE TABLE t (id int PRIMARY KEY, n int, s text)"
ROWS = "INSERT INTO t SELECT i, i, 'x' || i FROM generate_series(1, 20) i"


def afresh(url: str) -> Callable[[], None]:
    """The same table again, and nothing known of it."""

    def make() -> None:
        sql(url, "DROP TABLE IF EXISTS t", TABLE, ROWS)
        forget(url)

    make()
    return make


def index(op: Any) -> None:
    op.create_index_concurrently("i", "t", ["n", sa.text("lower(s)")], unique=True, where="n % 100 <> 5")


def plain(op: Any) -> None:
    op.create_index_concurrently("i", "t", ["n"])


def drop(op: Any) -> None:
    op.drop_index_concurrently("i", "t")


def left_invalid(url: str, on: str = "t (n)") -> None:
    """What a build leaves that was cancelled while it waited."""
    with connected(url) as reader, connected(url) as builder:
        reader.run("BEGIN")
        reader.run("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        builder.run("SET statement_timeout = '50ms'")
        with pytest.raises(Exception, match="timeout"):
            builder.run(f"CREATE INDEX CONCURRENTLY i ON {on}")


def test_it_builds_what_was_asked_for(database: str) -> None:
    afresh(database)
    operate(database, index)
    assert rows(database, "SELECT indexdef FROM pg_indexes WHERE indexname = 'i'") == [
        ("CREATE UNIQUE INDEX i ON public.t USING btree (n, lower(s)) WHERE ((n % 100) <> 5)",)
    ]


@pytest.mark.parametrize("body", [index, drop])
def test_a_kill_between_two_steps_changes_nothing_at_the_end(
    database: str, body: Callable[[Any], Any]
) -> None:
    make = afresh(database)

    def ready() -> None:
        make()
        if body is drop:
            sql(database, "CREATE INDEX i ON t (n)")

    ready()
    operate(database, body)
    undisturbed = shape(database)
    assert [shape(database) == undisturbed for _ in killed_at_each_question(database, ready, body)] == [True]


@pytest.mark.parametrize("before", [True, False])
def test_a_lost_connection_changes_nothing_at_the_end(database: str, before: bool) -> None:
    make = afresh(database)
    operate(database, index)
    undisturbed, seen = shape(database), []
    for statement in cut_at_each_statement(database, make, index, before):
        assert shape(database) == undisturbed, statement
        seen.append(statement)
    assert any(statement.startswith("CREATE UNIQUE INDEX CONCURRENTLY") for statement in seen)


def test_a_second_run_does_nothing(database: str) -> None:
    afresh(database)
    operate(database, index)
    oid = rows(database, "SELECT 'i'::regclass::oid")
    operate(database, index)
    forget(database)
    operate(database, index)
    assert rows(database, "SELECT 'i'::regclass::oid") == oid


def test_what_was_dropped_by_hand_is_built_again(database: str) -> None:
    afresh(database)
    operate(database, index)
    sql(database, "DROP INDEX i")
    operate(database, index)
    assert rows(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == [(True,)]


@pytest.mark.parametrize(
    "other",
    [
        "CREATE INDEX i ON t (n)",
        "CREATE UNIQUE INDEX i ON t (n, lower(s))",
        "CREATE UNIQUE INDEX i ON t (n, lower(s) DESC) WHERE n % 100 <> 5",
        "CREATE UNIQUE INDEX i ON t (n, upper(s)) WHERE n % 100 <> 5",
        "CREATE TABLE u AS TABLE t; CREATE UNIQUE INDEX i ON u (n, lower(s)) WHERE n % 100 <> 5",
    ],
)
def test_another_definition_of_the_same_name_is_refused(database: str, other: str) -> None:
    afresh(database)
    sql(database, other)
    before = shape(database)
    with pytest.raises(RevisionFailed, match=r"(?s)public.i is there .*DROP INDEX CONCURRENTLY public.i"):
        operate(database, index)
    assert shape(database) == before


def test_an_invalid_index_that_is_ours_is_built_anew(database: str) -> None:
    afresh(database)
    with pytest.raises(Killed):
        operate(database, plain, Watching(1))
    stop_the_build(database)
    assert rows(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == [(False,)]
    operate(database, plain)
    assert rows(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == [(True,)]


def stop_the_build(url: str) -> None:
    """Our build waits for a writer, and its session is ended."""
    with connected(url) as writer:
        writer.run("BEGIN")
        writer.run("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        errors: list[Exception] = []
        building = in_background(lambda: operate(url, plain), errors)
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE phase ~ 'waiting'"
        until(lambda: rows(url, ended))
        building.join()
        assert errors


def in_background(work: Callable[[], Any], errors: list[Exception]) -> threading.Thread:
    def attempt() -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    return thread


def test_an_invalid_index_of_somebody_else_is_named_and_left(database: str) -> None:
    afresh(database)
    left_invalid(database)
    before = shape(database)
    for _ in range(2):
        with pytest.raises(RevisionFailed, match=r"(?s)public.i .*INVALID.*DROP INDEX CONCURRENTLY public.i"):
            operate(database, plain)
    assert shape(database) == before


def test_a_build_that_goes_on_elsewhere_is_waited_for(database: str) -> None:
    afresh(database)
    conductor, errors = Watching(), list[Exception]()
    with connected(database) as writer:
        writer.run("BEGIN")
        writer.run("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        build = "CREATE INDEX CONCURRENTLY i ON t (n)"
        theirs = in_background(lambda: sql(database, build), errors)
        until(lambda: rows(database, "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('i')"))
        oid = rows(database, "SELECT 'i'::regclass::oid")
        ours = in_background(lambda: operate(database, plain, conductor), errors)
        until(lambda: [asked for asked in conductor.asked if "waiting" in asked.detail])
        writer.run("COMMIT")
        theirs.join()
        ours.join()
    assert (errors, rows(database, "SELECT 'i'::regclass::oid")) == ([], oid)


def test_rows_that_are_not_unique_leave_no_index(database: str) -> None:
    afresh(database)
    sql(database, "UPDATE t SET n = 1, s = 'X1' WHERE id < 3")
    with pytest.raises(RevisionFailed, match=r"(?s)create_index_concurrently of t.*\(1, x1\) is duplicated"):
        operate(database, index)
    assert rows(database, "SELECT to_regclass('i')::text") == [(None,)]
    sql(database, "UPDATE t SET n = id")
    operate(database, index)
    assert rows(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == [(True,)]


def test_awkward_names_and_another_schema(database: str) -> None:
    sql(database, 'CREATE SCHEMA "My S"', 'CREATE TABLE "My S"."T t" ("N n" int, m int)')

    def body(op: Any) -> None:
        op.create_index_concurrently(
            "I i", "T t", ["N n"], include=["m"], using="btree", where='"N n" > 0', schema="My S"
        )

    operate(database, body)
    assert rows(database, "SELECT indexdef FROM pg_indexes WHERE indexname = 'I i'") == [
        ('CREATE INDEX "I i" ON "My S"."T t" USING btree ("N n") INCLUDE (m) WHERE ("N n" > 0)',)
    ]
    forget(database)
    operate(database, body)
    operate(database, lambda op: op.drop_index_concurrently("I i", "T t", schema="My S"))
    assert rows(database, "SELECT 1 FROM pg_indexes WHERE indexname = 'I i'") == []


def test_a_partitioned_table_is_refused_with_the_way(database: str) -> None:
    sql(database, "CREATE TABLE t (n int) PARTITION BY RANGE (n)")
    with pytest.raises(RevisionFailed, match=r"(?s)partitioned table.*ON ONLY t.*ATTACH PARTITION"):
        operate(database, plain)


def test_dropping_twice_is_fine_and_another_tables_index_is_not(database: str) -> None:
    afresh(database)
    sql(database, "CREATE TABLE u (n int)", "CREATE INDEX i ON t (n)")
    with pytest.raises(RevisionFailed, match="index i is one of t"):
        operate(database, lambda op: op.drop_index_concurrently("i", "u"))
    for _ in range(2):
        operate(database, drop)
    operate(database, lambda op: op.drop_index_concurrently("i"))
    assert rows(database, "SELECT to_regclass('i')::text") == [(None,)]


def test_the_session_waits_as_shortly_afterwards_as_before(database: str) -> None:
    afresh(database)
    seen: list[str] = []

    def body(op: Any) -> None:
        plain(op)
        seen.append(op.get_bind().exec_driver_sql("SHOW lock_timeout").scalar())

    operate(database, lambda op: (op.execute("SET lock_timeout = '70ms'"), body(op)))
    assert seen == ["70ms"]
