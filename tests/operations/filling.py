"""A table whose rows are to be written in batches, and what is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.adapters.project import rows
from tests.operations.running import forget, sql

from dbmigrate.adapters.operations import batches, bounds, pieces

COUNT = 2_345
ONCE = [(1, COUNT)]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of one piece, each of a few rows however slow the machine is, and a question after each."""
    monkeypatch.setattr(pieces, "FIRST", 200)
    monkeypatch.setattr(pieces, "MOST", 400)
    monkeypatch.setattr(pieces, "AHEAD", 1)
    monkeypatch.setattr(bounds, "LEAST_MS", 400)
    monkeypatch.setattr(pieces, "next_size", lambda rows, seconds, target, size: min(size * 2, pieces.MOST))
    monkeypatch.setattr(batches, "TELL_SECONDS", 0)


def afresh(url: str, key: str = "id int PRIMARY KEY", value: str = "i") -> Callable[[], None]:
    """A table of COUNT rows, with x = 0 everywhere, and nothing known of it."""

    def make() -> None:
        sql(
            url,
            "DROP TABLE IF EXISTS t",
            f"CREATE TABLE t ({key}, x int DEFAULT 0, n int)",
            f"INSERT INTO t SELECT {value}, 0, i FROM generate_series(1, {COUNT}) i",
        )
        forget(url)

    make()
    return make


def add_one(op: Any) -> None:
    op.backfill("t", {"x": "x + 1"})


def counts(url: str) -> list[tuple[int, int]]:
    """How many rows have which x."""
    return [(x, count) for x, count in rows(url, "SELECT x, count(*) FROM t GROUP BY 1 ORDER BY 1")]
