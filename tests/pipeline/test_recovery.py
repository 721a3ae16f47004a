"""Recovery end to end: the real template, machine, functions and rows, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.emergency import AFTER, BEFORE, Emergency, emergency
from tests.pipeline.pipeline import get

COMMITTED = [(number, f"{number}@example.com") for number in BEFORE]
NOW_THERE = [(number,) for number in (*BEFORE, *AFTER)]


@pytest.fixture
def happened(tmp_path: Path) -> Iterator[Emergency]:
    with emergency(tmp_path) as prepared:
        yield prepared.happen()


def kept_name(there: Emergency, arn: str) -> str:
    return str(there.record(arn)["plan"]["kept"])


def recovered(there: Emergency, arn: str) -> None:
    """Every row of before, none of after; the old one is kept with all of its own."""
    assert there.rows() == COMMITTED
    kept = kept_name(there, arn)
    assert there.names() == sorted([there.database, kept])
    old = there.cloud.instances.server(kept).execute("SELECT id FROM orders ORDER BY id", "shop")
    assert [tuple(row) for row in old] == NOW_THERE
    assert there.lets_the_application_in()
    assert there.record(arn)["phase"] == "opened"


def put_back(there: Emergency, grants: list[Any]) -> None:
    """As if nothing had been."""
    assert (there.rows(), there.grants(), there.names()) == (NOW_THERE, grants, [there.database])
    assert there.lets_the_application_in()


def test_every_row_of_before_comes_back_and_none_of_after(happened: Emergency) -> None:
    arn = happened.to_before_the_run()
    shown = get(happened.pipeline.link(arn))[1]
    assert not happened.lets_the_application_in(), "the fence holds while people decide"
    assert "A swap leaves behind" in shown and f"just before run {happened.run}" in shown
    assert "<td>public.orders" in shown
    ending = happened.finish(arn)
    assert ending.outcome == "Recovered", ending
    recovered(happened, arn)
    (notice,) = (
        mail.body for mail in happened.pipeline.mails("team@example.com") if "recovered (" in mail.subject
    )
    assert "Time to recover:" in notice and kept_name(happened, arn) in notice


def test_a_snapshot_is_restored_as_well(happened: Emergency) -> None:
    snapshot = happened.cloud.client("rds").describe_db_snapshots()["DBSnapshots"][-1]["DBSnapshotIdentifier"]
    assert snapshot.startswith("db-migrate-")
    arn = happened.start(snapshot=snapshot)
    assert happened.finish(arn).outcome == "Recovered"
    recovered(happened, arn)
