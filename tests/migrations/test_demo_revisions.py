"""The demonstration's pair: both pass on an empty database; the second fails half-way on the seeded rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from tests.migrations.history import DEMO_REVISIONS, History


@pytest.fixture
def demo(history: History, copied: Callable[[], Path]) -> History:
    folder = copied()
    for revision in DEMO_REVISIONS.glob("*.py"):
        shutil.copy(revision, folder / "versions")
    return History(history.url, folder)


def test_an_empty_database_shows_nothing_wrong(demo: History) -> None:
    demo.upgrade("0016")
    before = demo.catalog()
    demo.upgrade("head")
    after = demo.catalog()
    demo.downgrade("0016")
    assert demo.catalog() == before
    demo.upgrade("head")
    assert demo.catalog() == after
    assert demo.current() == "0018"


def test_seeded_rows_stop_the_second_revision_after_its_first_statement(demo: History) -> None:
    demo.upgrade("0016")
    demo.seed()
    keys = demo.rows("SELECT * FROM api_keys ORDER BY id")
    with pytest.raises(DBAPIError, match="uq_api_keys_user_id_name") as stopped:
        demo.upgrade("head")
    assert stopped.value.orig is not None
    assert stopped.value.orig.args[0]["C"] == "23505"
    assert demo.current() == "0017"
    assert demo.rows("SELECT * FROM api_keys ORDER BY id") == keys
    demo.downgrade("0016")
    assert demo.rows("SELECT * FROM api_keys ORDER BY id") == keys
