"""What the runner spares: trips to the server, and waits for its disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection
from tests.adapters.project import Project, move, rows

from dbmigrate.adapters import catalog
from dbmigrate.adapters.connection import Limits, connected, target_from_url
from dbmigrate.adapters.database import Database

SAY = "INSERT INTO said SELECT current_setting('synchronous_commit')"
SAID = "SELECT setting FROM said ORDER BY id"


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connected(target_from_url(database), Limits()) as made:
        yield made


@pytest.fixture
def chatty(project: Project) -> Project:
    """Three revisions, each of which keeps what it was told about commits."""
    project.add("a1", None, f"CREATE TABLE said (setting text, id serial)\n{SAY}")
    return project.add("b2", "a1", SAY, SAY).add("c3", "b2", SAY, SAY)


def test_only_the_last_revision_of_a_move_waits_for_the_disk(
    chatty: Project, db: Database, database: str
) -> None:
    move(db, chatty.history())
    assert rows(database, SAID) == [("off",), ("off",), ("on",)]
    move(db, chatty.history(), "c3", "b2", direction="downgrade")
    assert rows(database, SAID)[3:] == [("off",), ("on",)]


def test_what_a_revision_commits_by_itself_waits_for_the_disk(
    project: Project, db: Database, database: str
) -> None:
    outside = f"with op.get_context().autocommit_block(): op.execute({SAY!r})"
    history = project.add("a1", None, "CREATE TABLE said (setting text, id serial)").add("b2", "a1", outside)
    move(db, history.add("c3", "b2").history())
    assert rows(database, SAID) == [("on",)]


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_transaction_ends_in_one_trip(connection: Connection, end: str) -> None:
    connection.exec_driver_sql("CREATE TEMP TABLE t (id int)")
    trips = _trips(connection.connection.driver_connection)
    getattr(connection, end)()
    assert trips == ["COMMIT" if end == "commit" else "ROLLBACK"]
    there = connection.exec_driver_sql("SELECT to_regclass('pg_temp.t') IS NOT NULL").scalar_one()
    assert there is (end == "commit")


def test_nothing_is_sent_where_no_transaction_is_open(connection: Connection) -> None:
    raw: Any = connection.connection.driver_connection
    trips = _trips(raw)
    raw.commit()
    raw.rollback()
    assert trips == []


def test_a_catalog_that_is_read_once_prepares_one_statement(connection: Connection) -> None:
    catalog.snapshot(connection)
    prepared = "SELECT array_agg(name) FROM pg_prepared_statements"
    assert connection.exec_driver_sql(prepared).scalar_one() == ["catalog_everything"]


def _trips(raw: Any) -> list[str]:
    """From now on, what the server answers has been done at the end of each trip."""
    seen: list[str] = []
    handle = raw.handle_messages

    def counted(context: Any) -> None:
        handle(context)
        seen.append(context.statement.upper())

    raw.handle_messages = counted
    return seen
