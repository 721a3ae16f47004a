"""A backfill beside the application: it gives way, and nobody's write is lost."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.adapters.project import connected, rows, until
from tests.operations.filling import COUNT, ONCE, add_one, afresh, counts, small_batches
from tests.operations.running import Watching, operate, sql

__all__ = ["small_batches"]
pytestmark = pytest.mark.usefixtures("small_batches")


def test_rows_that_others_write_meanwhile_keep_what_they_wrote(database: str) -> None:
    afresh(database)

    class Beside(Watching):
        def go_on(self, progress: Any) -> None:
            super().go_on(progress)
            if len(self.asked) == 3:
                sql(
                    database,
                    f"UPDATE t SET n = -1 WHERE id IN (1, {COUNT})",
                    f"INSERT INTO t SELECT {COUNT} + i, 0, i FROM generate_series(1, 50) i",
                    "DELETE FROM t WHERE id BETWEEN 390 AND 410",
                )

    operate(database, add_one, Beside())
    assert counts(database) == [(1, COUNT - 21 + 50)]
    assert rows(database, "SELECT count(*) FROM t WHERE n = -1") == [(2,)]


def test_a_batch_gives_way_to_a_locked_row_and_comes_back_smaller(database: str) -> None:
    afresh(database)
    with connected(database) as holder:
        holder.run("BEGIN")
        holder.run("SELECT * FROM t WHERE id = 150 FOR UPDATE")
        sizes: list[int] = []

        def waits(tries: int) -> None:
            sizes.append(rows(database, "SELECT count(*) FROM t WHERE x = 0")[0][0])
            if tries == 2:
                holder.run("COMMIT")

        watching = Watching(waiting=waits)
        operate(database, add_one, watching)
    assert sizes[0] == COUNT and sizes[-1] <= COUNT - 100
    assert counts(database) == ONCE


def test_where_two_block_each_other_the_batch_gives_up_and_not_the_application(database: str) -> None:
    afresh(database)
    with connected(database) as application, connected(database) as other:
        other.run("BEGIN")
        other.run("SELECT * FROM t WHERE id = 150 FOR UPDATE")
        failed: list[BaseException] = []

        def cross() -> None:
            """Wants a row that the batch has, and has one that the batch wants."""
            try:
                application.run("BEGIN")
                application.run("SELECT * FROM t WHERE id = 160 FOR UPDATE")
                other.run("COMMIT")
                application.run("UPDATE t SET n = -1 WHERE id = 140")
                application.run("COMMIT")
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=cross)
        watching = Watching(waiting=lambda tries: None if thread.ident else thread.start())
        operate(database, add_one, watching)
        thread.join()
    assert not failed and watching.tries
    assert counts(database) == ONCE
    assert rows(database, "SELECT n FROM t WHERE id = 140") == [(-1,)]


def test_a_batch_that_takes_long_is_undone_and_made_smaller(database: str) -> None:
    sql(
        database,
        "CREATE TABLE t (id int PRIMARY KEY, x int DEFAULT 0, n int)",
        f"INSERT INTO t SELECT i, 0, i FROM generate_series(1, {COUNT // 5}) i",
    )
    operate(database, lambda op: op.backfill("t", "x = x + 1 + length(pg_sleep(0.004)::text)", "id <= 300"))
    assert counts(database) == [(0, COUNT // 5 - 300), (1, 300)]


def test_a_wish_to_stop_is_no_batch_that_takes_long(database: str) -> None:
    afresh(database)
    stopped: list[Exception] = []

    def run() -> None:
        try:
            operate(database, lambda op: op.backfill("t", "x = x + 1 + length(pg_sleep(0.001)::text)"))
        except Exception as error:
            stopped.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    with connected(database) as other:
        find = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'UPDATE t %' AND state = 'active'"
        pid = until(lambda: other.run(find))[0][0]
        other.run(f"SELECT pg_cancel_backend({pid})")
    thread.join()
    assert "user request" in str(stopped[0])
