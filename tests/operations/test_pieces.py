"""A batch is as many pieces as fit its time, each a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from tests.adapters.project import rows
from tests.operations.filling import COUNT, ONCE, afresh, counts
from tests.operations.running import operate, sql

from dbmigrate.adapters.operations import bounds, pieces
from dbmigrate.adapters.operations.conduct import Patient
from dbmigrate.adapters.operations.pieces import MOST, next_size

LOOK, LIMIT, PIECE = "WITH RECURSIVE zz_ends", "SET LOCAL statement_timeout", "UPDATE t SET x"
Sizing = Callable[[Callable[[int], int]], None]


@pytest.fixture
def sizing(monkeypatch: pytest.MonkeyPatch) -> Sizing:
    """Let the next pieces have as many rows, however quick the machine is."""
    monkeypatch.setattr(bounds, "LEAST_MS", 400)

    def follow(size_of: Callable[[int], int]) -> None:
        monkeypatch.setattr(pieces, "next_size", lambda rows, seconds, target, size: size_of(size))

    return follow


def said(url: str, target_ms: float = 50, setting: str = "") -> list[str]:
    """What a backfill says to the server, in a session that has this ``setting`` of its own."""
    heard: list[str] = []

    def listen(raw: Any) -> Any:
        send = raw.execute_simple
        send(setting)
        raw.execute_simple = lambda text: (heard.append(text), send(text))[1]
        return raw

    operate(url, lambda op: op.backfill("t", {"x": "x + 1"}, target_ms=target_ms), None, listen)
    return [text for text in heard if any(each in text for each in (LOOK, LIMIT, PIECE, "COMMIT"))]


def sizes(url: str) -> list[int]:
    """How many rows each transaction wrote, in their order."""
    found = rows(url, "SELECT count(*) FROM t GROUP BY xmin ORDER BY min(id)")
    return [int(count) for (count,) in found]


def pieces_of(heard: list[str]) -> list[int]:
    """How many pieces went together."""
    return [text.count(PIECE) for text in heard if PIECE in text]


def test_pieces_go_together_but_for_the_first_and_the_last(database: str, sizing: Sizing) -> None:
    sizing(lambda size: size)
    afresh(database)
    full = COUNT // pieces.FIRST
    assert pieces_of(said(database, target_ms=100_000)) == [1, full - 1, 1]
    assert sizes(database) == [pieces.FIRST] * full + [COUNT % pieces.FIRST]
    assert counts(database) == ONCE
    assert rows(database, "SELECT count(*) FROM dbmigrate.piece") == [(0,)], "kept until the batch is over"


def test_a_batch_that_was_cut_goes_on_behind_its_last_piece(database: str, sizing: Sizing) -> None:
    sizing(lambda size: size)
    afresh(database)
    sql(database, "UPDATE t SET n = NULL WHERE id = 1500", "ALTER TABLE t ADD CHECK (x < 1 OR n IS NOT NULL)")
    with pytest.raises(Exception, match="violates check constraint"):
        said(database, target_ms=100_000)
    assert counts(database) == [(0, COUNT - 1400), (1, 1400)]
    assert rows(database, "SELECT max(rows_done) FROM dbmigrate.piece") == [(1400,)]
    sql(database, "UPDATE t SET n = 1 WHERE id = 1500")
    said(database, target_ms=100_000)
    assert counts(database) == ONCE
    assert rows(database, "SELECT count(*) FROM dbmigrate.piece") == [(0,)]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_the_sessions_own_isolation_holds_for_no_piece(database: str, sizing: Sizing, level: str) -> None:
    sizing(lambda size: size)
    afresh(database)
    sql(
        database,
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := "
        "length(current_setting('transaction_isolation')); RETURN NEW; END $$",
        "CREATE TRIGGER look BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION look()",
    )
    heard = said(database, 100_000, f"SET default_transaction_isolation = '{level}'")
    assert max(pieces_of(heard)) > 1
    assert rows(database, "SELECT DISTINCT x, n FROM t") == [(1, len("read committed"))]


def test_what_a_batch_kept_is_not_taken_for_another_operations(database: str, sizing: Sizing) -> None:
    sizing(lambda size: size)
    make = afresh(database)
    said(database)
    make()
    sql(
        database,
        "DROP TABLE dbmigrate.work",
        "INSERT INTO dbmigrate.piece (work, rows_done, cursor) VALUES (1, 1400, '[[\"1400\"], false]')",
    )
    said(database)
    assert counts(database) == ONCE
    assert rows(database, "SELECT count(*) FROM dbmigrate.piece") == [(0,)]


def test_the_ends_are_looked_for_before_rows_are_locked_and_without_a_limit(database: str) -> None:
    afresh(database)
    heard = said(database)
    looks = [at for at, text in enumerate(heard) if LOOK in text]
    assert looks and all(LIMIT in heard[at + 1] for at in looks)
    assert all("COMMIT" in heard[at - 1] and LIMIT not in heard[at - 1] for at in looks[1:])


def test_a_batch_has_no_more_pieces_than_time(database: str, sizing: Sizing) -> None:
    sizing(lambda size: size)
    afresh(database)
    assert pieces_of(said(database, target_ms=0.001)) == [1] * (COUNT // pieces.FIRST + 1)


def grown(url: str, sizing: Sizing, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of pieces that may grow after each."""
    sizing(lambda size: size * 2)
    monkeypatch.setattr(pieces, "AHEAD", 1)
    afresh(url)
    said(url, target_ms=100_000)
    assert counts(url) == ONCE
    return sizes(url)


def test_a_piece_writes_no_more_log_than_commits_may_wait_for(
    database: str, sizing: Sizing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert grown(database, sizing, monkeypatch)[:4] == [100, 200, 400, 800]
    monkeypatch.setattr(bounds, "LOG_BYTES", 20_000)
    found = grown(database, sizing, monkeypatch)
    assert found[:2] == [pieces.FIRST, 2 * pieces.FIRST], "nobody knows yet how much a row writes"
    assert max(found[2:]) < 20_000 / 60, "a row writes 60 bytes at the least"


def test_aurora_writes_no_log_that_a_commit_must_wait_for(
    database: str, sizing: Sizing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "LOG_BYTES", 1)
    monkeypatch.setattr(bounds, "LOG", "no_such_function()")
    sql(
        database,
        "CREATE FUNCTION aurora_replica_status(OUT replica_lag_in_msec float8) RETURNS SETOF float8 "
        "LANGUAGE sql AS 'SELECT 0::float8'",
    )
    assert grown(database, sizing, monkeypatch)[:4] == [100, 200, 400, 800]


@pytest.mark.parametrize(("commit", "wanted"), [(0.0, 0.00055), (0.002, 0.003), (0.2, 0.05)])
def test_most_of_the_time_goes_to_the_rows_where_commits_are_slow(
    database: str, commit: float, wanted: float
) -> None:
    assert bounds_on(database).piece_seconds(commit) == pytest.approx(wanted)


@pytest.mark.parametrize(("lock_ms", "among_others", "alone"), [(100, 50, 150), (30, 30, 150), (0, 50, 150)])
def test_a_piece_among_others_keeps_to_the_lock_budget_within_its_time(
    database: str, lock_ms: int, among_others: int, alone: int
) -> None:
    found = bounds_on(database, lock_ms)
    assert found.limit(alone=False, smallest=False) == among_others
    assert found.limit(alone=True, smallest=False) == alone


def bounds_on(url: str, lock_ms: int = 100) -> bounds.Bounds:
    """Those of pieces whose batches should take 50 ms."""
    work: Any = SimpleNamespace(ask=lambda query: rows(url, query), conductor=Patient())
    work.conductor.lock_ms = lock_ms
    return bounds.Bounds(work, 0.05)


@pytest.mark.parametrize(
    ("rows_", "seconds", "size", "wanted"),
    [
        (1000, 0.002, 500, 500),
        (1000, 0.001, 500, 1000),
        (1000, 0.0001, 500, 1000),
        (1000, 1.0, 500, 250),
        (3, 10.0, 1, 1),
        (1_000_000, 0.001, MOST, MOST),
        (100, 0.0, 100, 200),
    ],
)
def test_the_next_pieces_follow_the_time_that_these_took(
    rows_: int, seconds: float, size: int, wanted: int
) -> None:
    assert next_size(rows_, seconds, 0.001, size) == wanted
