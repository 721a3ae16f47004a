"""A failover or a cut connection in mid-run ends like a kill: the database is asked, and a rerun works."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.adapters.project import Project, move, rows, until
from tests.adapters.servers import Relay, own_server

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.domain.errors import DatabaseUnreachable

BUSY = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(%'"
SLOW = "CREATE TABLE two (id int)\nSELECT pg_sleep(30)"
QUICK = "CREATE TABLE two (id int)"


def meanwhile(url: str, cut: Callable[[], None]) -> threading.Thread:
    """Cut as soon as the revision is at work."""

    def run() -> None:
        until(lambda: bool(rows(url, BUSY)))
        cut()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_server_that_restarts_in_mid_run(project: Project) -> None:
    project.add("a1", None, "CREATE TABLE one (id int)")
    slow = project.add("b2", "a1", SLOW).history()
    with own_server() as server:
        cutting = meanwhile(server.url, server.stop)
        with pytest.raises(DatabaseUnreachable) as failed:
            move(Database(target_from_url(server.url), "staging"), slow)
        cutting.join()
        assert "b2_change.py, upgrade" in failed.value.message
        assert failed.value.hint == "ask the database what is true: db-migrate status"
        server.start()
        again = Database(target_from_url(server.url), "staging")
        assert again.current() == ("a1",)
        move(again, project.add("b2", "a1", QUICK).history())
        assert again.current() == ("b2",)


@pytest.mark.parametrize("how", ["cut", "reset"])
def test_a_connection_that_is_cut_in_mid_run(project: Project, database: str, how: str) -> None:
    history = project.add("a1", None, SLOW).history()
    relay = Relay(target_from_url(database).port)
    target = replace(target_from_url(database), port=relay.port)
    cutting = meanwhile(database, getattr(relay, how))
    with pytest.raises(DatabaseUnreachable, match="its end is unknown"):
        move(Database(target, "staging"), history)
    cutting.join()
    relay.close()
    until(lambda: not rows(database, BUSY))
    again = Database(target_from_url(database), "staging")
    assert again.current() == ()
    move(again, project.add("a1", None, QUICK).history())
    assert again.current() == ("a1",)


def test_a_connection_that_is_reset_under_a_question(database: str, caplog: pytest.LogCaptureFixture) -> None:
    relay = Relay(target_from_url(database).port)
    target = replace(target_from_url(database), port=relay.port)
    resetting = meanwhile(database, relay.reset)
    with (
        pytest.raises(DatabaseUnreachable, match="broke: InterfaceError: network error"),
        Database(target, "staging").session() as connection,
    ):
        connection.exec_driver_sql("SELECT pg_sleep(30), 'a question'")
    resetting.join()
    relay.close()
    assert not caplog.records, "what SQLAlchemy's pool tells is for nobody"
    rows(database, f"SELECT pg_terminate_backend(pid) FROM ({BUSY}) busy")
