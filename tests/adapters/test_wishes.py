"""What people wish of a run that is under way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection
from tests.adapters.project import FACTS

from dbmigrate.adapters import ledger
from dbmigrate.adapters.database import Database


@pytest.fixture
def session(db: Database) -> Iterator[Connection]:
    with db.session() as connection:
        ledger.create(connection, "development")
        ledger.open_run(connection, "run-1", FACTS)
        connection.commit()
        yield connection


def known(connection: Connection) -> dict[str, Any]:
    (run,) = ledger.runs(connection)
    return run


def test_a_run_hears_what_was_wished_last_and_from_whom(session: Connection) -> None:
    assert ledger.wish_of(session, "run-1") == ""
    assert ledger.set_wish(session, "run-1", "pause", "ann")
    assert ledger.wish_of(session, "run-1") == "pause"
    assert (known(session)["wish"], known(session)["wished_by"]) == ("pause", "ann")
    assert known(session)["wished_at"].startswith("20")
    assert ledger.set_wish(session, "run-1", None, "bob")
    assert (ledger.wish_of(session, "run-1"), known(session)["wished_by"]) == ("", "bob")


def test_a_stop_is_not_taken_back(session: Connection) -> None:
    assert ledger.set_wish(session, "run-1", "stop", "ann")
    assert not ledger.set_wish(session, "run-1", None, "bob")
    assert not ledger.set_wish(session, "run-1", "pause", "bob")
    assert ledger.set_wish(session, "run-1", "stop", "bob")
    assert ledger.wish_of(session, "run-1") == "stop"


def test_nobody_else_hears_it(session: Connection) -> None:
    assert not ledger.set_wish(session, "run-2", "stop", "ann")
    assert (ledger.wish_of(session, "run-2"), ledger.wish_of(session, "run-1")) == ("", "")
    ledger.close_run(session, "run-1", "Succeeded", "")
    assert not ledger.set_wish(session, "run-1", "pause", "ann")


def test_a_ledger_from_before_is_read_and_completed(session: Connection) -> None:
    session.exec_driver_sql("ALTER TABLE dbmigrate.run DROP wish, DROP wished_by, DROP wished_at")
    assert ledger.wish_of(session, "run-1") == ""
    assert known(session)["wish"] is None
    assert ledger.set_wish(session, "run-1", "pause", "ann")
    assert ledger.wish_of(session, "run-1") == "pause"
