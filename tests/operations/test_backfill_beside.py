"""A backfill beside the application: it gives way, and nobody's write is lost."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.adapters.project import connected, rows, until
from tests.operations.filling import COUNT, ONCE, add_one, afresh, counts, small_batches
from tests.operations.running import Watching, operate, sql

from dbmigrate.adapters.operations import bounds, pieces
from dbmigrate.domain.errors import RevisionFailed

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


def test_of_a_batch_that_meets_a_locked_row_what_came_before_stands(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "AHEAD", 50)
    monkeypatch.setattr(pieces, "MOST", 200)
    afresh(database)
    with connected(database) as holder:
        holder.run("BEGIN")
        holder.run("SELECT * FROM t WHERE id = 1500 FOR UPDATE")
        written: list[int] = []

        def waits(tries: int) -> None:
            written.append(rows(database, "SELECT count(*) FROM t WHERE x = 1")[0][0])
            holder.run("COMMIT")

        operate(database, lambda op: op.backfill("t", {"x": "x + 1"}, target_ms=400), Watching(waiting=waits))
    assert written == [1400]
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


def test_a_batch_whose_cursor_takes_long_is_undone_as_well(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit holds for our own entry too, which a slow disk can hold up."""
    monkeypatch.setattr(bounds, "LEAST_MS", 20)
    afresh(database)
    with connected(database) as holder:
        undone: list[str] = []

        class Held(Watching):
            def go_on(self, progress: Any) -> None:
                super().go_on(progress)
                if len(self.asked) == 3:
                    holder.run("BEGIN")
                    holder.run("SELECT * FROM dbmigrate.work FOR UPDATE")

        def let_go(text: str) -> None:
            if "ROLLBACK" in text and holder.run("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")[0][0]:
                undone.append(text)
                holder.run("COMMIT")

        def listen(raw: Any) -> Any:
            send = raw.execute_simple
            raw.execute_simple = lambda text: (let_go(text), send(text))[1]
            return raw

        held = Held()
        operate(database, lambda op: op.backfill("t", {"x": "x + 1"}, target_ms=20), held, listen)
    assert undone and not held.tries, "a lock may be waited for longer than a batch"
    assert counts(database) == ONCE


@pytest.mark.parametrize(
    ("at_work", "rest"),
    [("UPDATE t %", 0.001), ("%BEGIN%UPDATE t %", 0.0003)],
    ids=["alone", "together"],
)
def test_a_wish_to_stop_is_no_piece_that_takes_long(database: str, at_work: str, rest: float) -> None:
    afresh(database)
    stopped: list[Exception] = []

    def run() -> None:
        try:
            slow = f"x = x + 1 + length(pg_sleep({rest})::text)"
            operate(database, lambda op: op.backfill("t", slow, target_ms=1000))
        except Exception as error:
            stopped.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    with connected(database) as other:
        find = f"SELECT pid FROM pg_stat_activity WHERE query LIKE '{at_work}' AND state = 'active'"
        find += " AND pid <> pg_backend_pid()"
        pid = until(lambda: other.run(find))[0][0]
        other.run(f"SELECT pg_cancel_backend({pid})")
    thread.join()
    assert "user request" in str(stopped[0])


def test_the_first_batches_of_a_slow_table_hold_nobody_up(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "FIRST", 100)
    monkeypatch.setattr(bounds, "LEAST_MS", 20)
    afresh(database)
    sql(database, "DELETE FROM t WHERE id > 300")
    slept: list[int] = []

    class Looking(Watching):
        def go_on(self, progress: Any) -> None:
            super().go_on(progress)
            slept.append(progress.rows_done or 0)

    slow = "x = x + 1 + length(pg_sleep(0.02)::text)"
    operate(database, lambda op: op.backfill("t", slow, "id <= 30"), Looking())
    assert counts(database) == [(0, 270), (1, 30)]
    assert min(filter(None, slept)) <= 8, "at 20 ms a row, 150 ms are 7 rows"


@pytest.mark.parametrize(
    ("hide", "why"),
    [
        ("ALTER TABLE t FORCE ROW LEVEL SECURITY", "row level security"),
        ("CREATE RULE r AS ON UPDATE TO t DO INSTEAD NOTHING", "INSTEAD"),
    ],
)
def test_a_table_that_would_keep_rows_from_us_is_refused(database: str, hide: str, why: str) -> None:
    afresh(database)
    role = "walker_of_" + database.rpartition("/")[2]
    sql(
        database,
        f"CREATE ROLE {role}",
        f"ALTER TABLE t OWNER TO {role}",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        hide,
        "CREATE SCHEMA dbmigrate",
        f"ALTER SCHEMA dbmigrate OWNER TO {role}",
    )
    try:
        with pytest.raises(RevisionFailed, match=f"{why}.*Nothing was changed"):
            operate(database, lambda op: (op.execute(f"SET SESSION AUTHORIZATION {role}"), add_one(op)))
        assert counts(database) == [(0, COUNT)]
    finally:
        sql(database, f"REASSIGN OWNED BY {role} TO postgres", f"DROP OWNED BY {role}", f"DROP ROLE {role}")
