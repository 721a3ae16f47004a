"""The locks of a copy, seen from beside."""

from __future__ import annotations

import time

import pytest

from dbmigrate.adapters.connection import Limits, connected, target_from_url
from dbmigrate.adapters.lock_watch import LockWatch
from dbmigrate.domain.drill import Held

END_THE_WATCH = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE application_name = 'db-migrate watch'"""


@pytest.fixture
def url(database: str) -> str:
    with connected(target_from_url(database), Limits()) as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id int)")
        connection.exec_driver_sql("CREATE SCHEMA dbmigrate CREATE TABLE run (id int)")
        connection.commit()
    return database


def seen_of(url: str, *statements: str, seconds: float = 0.3) -> list[Held]:
    """What is seen of a transaction that stays open for so long."""
    target = target_from_url(url)
    watch = LockWatch(target, Limits())
    with connected(target, Limits()) as connection, watch.watching():
        for statement in statements:
            connection.exec_driver_sql(statement)
        time.sleep(seconds)  # the time that is measured
        connection.commit()
    return watch.held()


def test_a_lock_is_seen_with_its_table_its_mode_and_its_time(url: str) -> None:
    (held,) = seen_of(url, "ALTER TABLE orders ADD note text")
    assert (held.relation, held.mode) == ("public.orders", "ACCESS EXCLUSIVE")
    assert held.seconds >= 0.25 and "ADD note" in held.statement


def test_the_lock_that_keeps_most_people_out_comes_first(url: str) -> None:
    found = seen_of(url, "INSERT INTO orders VALUES (1)", "LOCK TABLE orders IN SHARE MODE")
    assert [held.mode for held in found] == ["SHARE", "ROW EXCLUSIVE"]


def test_reading_our_own_tables_and_what_is_new_are_no_news(url: str) -> None:
    quiet = ("SELECT * FROM orders", "INSERT INTO dbmigrate.run VALUES (1)", "CREATE TABLE made (id int)")
    assert seen_of(url, *quiet) == []


def test_a_watch_that_loses_its_session_costs_only_its_figures(url: str) -> None:
    target = target_from_url(url)
    watch = LockWatch(target, Limits())
    with connected(target, Limits()) as connection, watch.watching():
        connection.exec_driver_sql("LOCK TABLE orders IN SHARE MODE")
        assert connection.exec_driver_sql(END_THE_WATCH).all() == [(True,)]
    assert {held.mode for held in watch.held()} <= {"SHARE"}
