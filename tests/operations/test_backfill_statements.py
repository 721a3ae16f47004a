"""A batch's rows are written by several short statements, and it is one batch all the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from tests.adapters.project import connected
from tests.operations.filling import add_one, afresh, counts
from tests.operations.running import Watching, cut_at_each_statement, operate, sql

from dbmigrate.adapters.operations import batches


@pytest.fixture(autouse=True)
def a_row_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement writes one row, and the first batch has one."""
    monkeypatch.setattr(batches, "FIRST", 1)
    monkeypatch.setattr(batches, "TELL_SECONDS", 0)
    monkeypatch.setattr(batches, "STATEMENT_SECONDS", 0)
    monkeypatch.setattr(batches, "TRIPS", 0)


def test_no_row_is_left_between_two_statements(database: str) -> None:
    afresh(database)
    sql(database, "DELETE FROM t WHERE id > 500")
    said: list[str] = []

    def listen(raw: Any) -> Any:
        send = raw.execute_simple
        raw.execute_simple = lambda text: (said.append(text), send(text))[1]
        return raw

    operate(database, add_one, None, listen)
    assert counts(database) == [(1, 500)]
    updates = [text for text in said if "UPDATE t SET" in text]
    assert len(updates) >= 500
    assert sum("COMMIT" in text for text in said) < len(updates) / 2


def test_rows_that_are_not_meant_are_walked_over(database: str) -> None:
    afresh(database, value="i * 3")
    sql(database, "DELETE FROM t WHERE n > 500")
    watching = Watching()
    operate(database, lambda op: op.backfill("t", "x = x + 1", "n % 10 = 0"), watching)
    assert counts(database) == [(0, 450), (1, 50)]
    done = [each.rows_done or 0 for each in watching.asked]
    assert done == sorted(done)


@pytest.mark.parametrize("before", [True, False])
def test_cut_at_any_statement_each_row_is_written_once(
    database: str, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST", 5)
    make, seen = afresh(database), []

    def fewer() -> None:
        make()
        sql(database, "DELETE FROM t WHERE id > 12")

    for statement in cut_at_each_statement(database, fewer, add_one, before):
        assert counts(database) == [(1, 12)], statement
        seen.append(statement)
    assert sum("UPDATE t SET" in statement for statement in seen) >= 9


def test_a_batch_whose_time_is_over_keeps_what_it_has(database: str) -> None:
    """Eight quick rows or more are planned, but at 20 ms a row three take longer than the batch should."""
    afresh(database)
    sql(database, "DELETE FROM t WHERE id > 40")
    done: list[int] = []

    class Looking(Watching):
        def go_on(self, progress: Any) -> None:
            super().go_on(progress)
            with connected(database) as other:
                done.append(other.run("SELECT count(*) FROM t WHERE x > 0")[0][0])

    slow = "x = x + 1 + CASE WHEN id > 15 THEN length(pg_sleep(0.02)::text) ELSE 0 END"
    operate(database, lambda op: op.backfill("t", slow), Looking())
    assert counts(database) == [(1, 40)]
    steps = [now - then for then, now in pairwise(done) if then >= 15]
    assert max(steps) <= 4
