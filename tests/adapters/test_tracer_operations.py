"""A safe operation under the tracer: its statements are the revision's work, each in a short transaction of
its own; what it asks and notes for itself is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.exc import DBAPIError
from tests.adapters.traced import kinds, locks, watched

from dbmigrate.adapters.operations.work import Work, work
from dbmigrate.domain.effects import Effects

TABLE = "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, NULL)"
ADD = "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID"
VALIDATE = "ALTER TABLE t VALIDATE CONSTRAINT c"


def operate(url: str, body: Callable[[Work], Any]) -> list[Effects]:
    """What the tracer sees of an operation on table t."""
    with watched(url, TABLE) as (connection, seen):
        connection.commit()
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        with context.begin_transaction(_per_migration=True):
            with work(Operations(context), "an operation", "t", "c", {}, 3) as started:
                assert started is not None
                body(started)
            connection.exec_driver_sql("ALTER TABLE t ALTER n SET DEFAULT 1")
    return seen


def never() -> bool:
    return False


def test_each_step_is_a_transaction_of_its_own(database: str) -> None:
    def steps(work: Work) -> None:
        work.once("add", never, ADD, "ALTER TABLE t ADD o int")
        work.alone("validate", never, VALIDATE)
        work.alone("index", never, "CREATE INDEX CONCURRENTLY i ON t (n)")

    add, column, validate, index, plain = operate(database, steps)
    assert [each.operation for each in (add, column, validate, index)] == ["an operation"] * 4
    assert plain.operation == ""
    assert add.transaction == column.transaction
    assert len({each.transaction for each in (add, validate, index, plain)}) == 4
    assert [each.autocommit for each in (add, validate, index, plain)] == [False, True, True, False]
    assert [locks(each) for each in (add, column, validate, index, plain)] == [
        {"t": "AE"},
        {},
        {"t": "SUE"},
        {"t": "SUE"},
        {"t": "AE"},
    ]
    assert [kinds(each) for each in (add, validate)] == [["add constraint"], ["validate constraint"]]
    assert [each.held for each in (validate, index, plain)] == [(), (), ()]


def test_what_it_asks_is_not_what_it_does(database: str) -> None:
    def steps(work: Work) -> None:
        def batch() -> None:
            work.ask("SELECT count(*) FROM t")
            work.run("UPDATE t SET n = 3 WHERE id = 1")
            work.ask("SELECT max(n) FROM t")
            work.ask(work.journal.advance(work.entry, "1", 1, 2, 0))
            work.run("ALTER TABLE t ADD p int")

        with work.step("fill"):
            work.in_transaction("fill", batch)

    update, column, _ = operate(database, steps)
    assert update.batch and not column.batch
    assert [(write.table, write.updated) for write in update.writes] == [("public.t", 1)]
    assert (update.scans, column.scans, column.writes, kinds(column)) == ((), (), (), ["add column"])
    assert locks(column) == {"t": "AE"}


def test_a_step_that_was_rolled_back_and_tried_again_did_it_once(database: str) -> None:
    tries = iter((True, False))

    def steps(work: Work) -> None:
        def add() -> None:
            work.run(ADD)
            if next(tries):
                work.run("DO $$BEGIN RAISE lock_not_available; END$$")

        with work.step("add"):
            work.in_transaction("add", add)

    add, plain = operate(database, steps)
    assert (add.sql, kinds(add), kinds(plain)) == (ADD, ["add constraint"], ["change default"])


def test_a_question_that_is_rolled_back_takes_no_work_along(database: str) -> None:
    def steps(work: Work) -> None:
        work.once("add", never, ADD)
        work.ask("BEGIN")
        work.ask("CREATE TEMPORARY TABLE twin ()")
        work.ask("ROLLBACK")

    assert [each.sql for each in operate(database, steps)] == [ADD, "ALTER TABLE t ALTER n SET DEFAULT 1"]


def test_what_fails_leaves_the_work_before_it(database: str) -> None:
    with watched(database, TABLE) as (connection, seen):
        connection.commit()
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        with (
            pytest.raises(DBAPIError, match="division by zero"),
            context.begin_transaction(_per_migration=True),
            work(Operations(context), "an operation", "t", "c", {}, 2) as started,
        ):
            assert started is not None
            started.once("add", never, ADD)
            started.once("fail", never, "ALTER TABLE t ADD q int", "SELECT 1 / 0")
    assert [each.sql for each in seen] == [ADD]
