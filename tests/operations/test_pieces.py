"""A batch is written in pieces, and over when its time or its log is."""

from __future__ import annotations

from typing import Any

import pytest
from tests.adapters.project import rows
from tests.operations.filling import COUNT, ONCE, afresh, counts
from tests.operations.running import operate, sql

from dbmigrate.adapters.operations import bounds, pieces
from dbmigrate.adapters.operations.pieces import MOST, next_size

LOOK, LIMIT, PIECE = "WITH RECURSIVE zz_ends", "SET LOCAL statement_timeout", "UPDATE t SET x"


def said(url: str, target_ms: float = 50) -> list[str]:
    """What a backfill says to the server."""
    heard: list[str] = []

    def listen(raw: Any) -> Any:
        send = raw.execute_simple
        raw.execute_simple = lambda text: (heard.append(text), send(text))[1]
        return raw

    operate(url, lambda op: op.backfill("t", {"x": "x + 1"}, target_ms=target_ms), None, listen)
    return [text for text in heard if any(each in text for each in (LOOK, LIMIT, PIECE, "COMMIT"))]


def transactions(url: str) -> int:
    return int(rows(url, "SELECT count(DISTINCT xmin::text) FROM t")[0][0])


def test_a_batch_is_several_pieces_in_one_transaction(database: str) -> None:
    afresh(database)
    heard = said(database, target_ms=10_000)
    assert sum(PIECE in text for text in heard) > COUNT // pieces.FIRST
    assert transactions(database) == 2, "what is left behind the last full piece is a batch of its own"
    assert counts(database) == ONCE


def test_the_ends_are_looked_for_before_rows_are_locked_and_without_a_limit(database: str) -> None:
    afresh(database)
    heard = said(database)
    looks = [at for at, text in enumerate(heard) if LOOK in text]
    assert looks and all(LIMIT in heard[at + 1] and PIECE in heard[at + 2] for at in looks)
    assert all(PIECE not in heard[at - 1] for at in looks)


def test_no_piece_begins_when_the_batchs_time_is_over(database: str) -> None:
    afresh(database)
    heard = said(database, target_ms=0.001)
    assert transactions(database) == sum(PIECE in text for text in heard) == COUNT // pieces.FIRST + 1


@pytest.mark.parametrize("log", [20_000, 60_000])
def test_no_piece_begins_when_the_batchs_log_is_long_enough(
    database: str, log: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "LOG_BYTES", log)
    monkeypatch.setattr(pieces, "AHEAD", 5)
    monkeypatch.setattr(pieces, "MOST", 100)
    afresh(database)
    said(database, target_ms=10_000)
    assert transactions(database) > COUNT // 500 + 1, "five pieces were found at a time"
    assert counts(database) == ONCE


def test_aurora_writes_no_log_that_a_commit_must_wait_for(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "LOG_BYTES", 1)
    monkeypatch.setattr(bounds, "LOG", "no_such_function()")
    afresh(database)
    sql(
        database,
        "CREATE FUNCTION aurora_replica_status(OUT replica_lag_in_msec float8) RETURNS SETOF float8 "
        "LANGUAGE sql AS 'SELECT 0::float8'",
    )
    said(database, target_ms=10_000)
    assert transactions(database) == 2


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
