"""A fence keeps everybody out but us, says what it changed, and gives it back as it was."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pg8000
import pytest
from tests.adapters import fencing
from tests.adapters.project import Project, connected, move, rows, until
from tests.adapters.servers import own_server

from dbmigrate.adapters import fence as fence_module
from dbmigrate.adapters.connection import connected as our_connection
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.fence import Gate
from dbmigrate.domain.errors import FenceFailed, RunInProgress, WrongInstance
from dbmigrate_local.embedded import EmbeddedPostgres

RECOVERY = "staging-recovery-1"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with own_server() as server:
        yield server


@pytest.fixture
def db(server: EmbeddedPostgres) -> Iterator[Database]:
    with fencing.set_up(server) as database:
        yield database


@pytest.fixture
def url(server: EmbeddedPostgres, db: Database) -> str:
    return server.url_for("app")


@pytest.fixture
def gate(db: Database) -> Gate:
    return Gate(db)


def is_refused(url: str, user: str) -> bool:
    try:
        with connected(url, user):
            return False
    except pg8000.Error as error:
        assert "permission denied for database" in str(error)
        return True


def is_ended(session: pg8000.native.Connection) -> bool:
    try:
        session.run("SELECT 1")
        return False
    except (pg8000.Error, OSError):
        return True


def test_the_application_is_refused_and_ended_within_a_second_and_we_go_on(
    gate: Gate, db: Database, url: str, server: EmbeddedPostgres
) -> None:
    elsewhere = server.url_for("postgres")
    with contextlib.ExitStack() as stack:
        sessions = [
            stack.enter_context(connected(where, user))
            for where, user in [(url, "app")] * 8 + [(url, "guest"), (elsewhere, "guest")]
        ]
        sessions[0].run("BEGIN")
        sessions[0].run("INSERT INTO orders VALUES (1)")
        began = time.monotonic()
        changed, ended, notes = gate.shut(RECOVERY)
        took = time.monotonic() - began
        assert [is_ended(session) for session in sessions] == [True] * 10
    assert (changed, ended, notes) == (["app", "postgres"], 10, [])
    assert took < 1, f"the fence took {took:.2f} s"
    for where, user in ((url, "app"), (url, "guest"), (elsewhere, "app")):
        assert is_refused(where, user)
    assert db.look().open_run
    assert rows(url, "SELECT count(*) FROM orders") == [(0,)]


def test_a_session_that_works_or_waits_is_ended_as_well(gate: Gate, url: str) -> None:
    def work(session: pg8000.native.Connection, sql: str) -> None:
        with contextlib.suppress(pg8000.Error, OSError):
            session.run(sql)

    with connected(url, "app") as holder, connected(url, "app") as waiter, connected(url, "guest") as sleeper:
        holder.run("BEGIN; LOCK TABLE orders")
        threads = [
            threading.Thread(target=work, args=(session, sql))
            for session, sql in ((waiter, "SELECT * FROM orders"), (sleeper, "SELECT pg_sleep(60)"))
        ]
        for thread in threads:
            thread.start()
        busy = "SELECT count(*) FROM pg_stat_activity WHERE usename IN ('app', 'guest') AND state = 'active'"
        until(lambda: rows(url, busy) == [(2,)])
        began = time.monotonic()
        assert gate.shut(RECOVERY)[1] == 3
        assert time.monotonic() - began < 1
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()


def test_nobody_slips_in_while_the_fence_goes_up(gate: Gate, url: str) -> None:
    """Clients that connect as fast as they can: behind the fence none of them is there."""
    over = threading.Event()

    def knock() -> None:
        while not over.is_set():
            with contextlib.suppress(pg8000.Error, OSError), connected(url, "app") as session:
                while not over.is_set():
                    session.run("SELECT 1")

    knocking = [threading.Thread(target=knock) for _ in range(3)]
    for thread in knocking:
        thread.start()
    try:
        count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"
        until(lambda: rows(url, count) > [(1,)])
        began = time.monotonic()
        _, ended, _ = gate.shut(RECOVERY)
        took = time.monotonic() - began
        assert ended >= 2 and took < 1.5
        seen = [rows(url, count + " AND state IS NOT NULL") for _ in range(20)]
        assert seen == [[(0,)]] * 20
    finally:
        over.set()
        for thread in knocking:
            thread.join(10)


def test_twice_is_once(gate: Gate, url: str) -> None:
    before = fencing.rights(url)
    assert gate.shut(RECOVERY)[0] == ["app", "postgres"]
    assert gate.shut(RECOVERY) == ([], 0, [])
    assert rows(url, fencing.FENCED) == [(RECOVERY, "app"), (RECOVERY, "postgres")]
    assert gate.lift(RECOVERY)[0] == ["app", "postgres"]
    assert gate.lift(RECOVERY) == ([], [])
    assert (fencing.rights(url), rows(url, fencing.FENCED)) == (before, [])


def test_killed_between_the_two_halves(gate: Gate, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rights are taken and on record, the sessions are there yet: the next one ends them, and what was
    before the first one comes back."""
    before = fencing.rights(url)

    def die(*args: object) -> None:
        raise SystemExit("killed")

    with connected(url, "app") as session:
        with monkeypatch.context() as patch:
            patch.setattr(fence_module.fence_sessions, "end_clients", die)
            with pytest.raises(SystemExit):
                gate.shut(RECOVERY)
        assert is_refused(url, "app") and not is_ended(session)
        assert gate.shut(RECOVERY) == ([], 1, [])
        assert is_ended(session)
    gate.lift(RECOVERY)
    assert fencing.rights(url) == before


def test_killed_before_the_commit_nothing_is_changed(
    gate: Gate, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fencing.grants(url)
    with monkeypatch.context() as patch:
        patch.setattr(fence_module.grants, "still_in", lambda *args: (_ for _ in ()).throw(SystemExit()))
        with pytest.raises(SystemExit):
            gate.shut(RECOVERY)
    assert fencing.grants(url) == before
    assert gate.lift(RECOVERY) == ([], [])
    assert fencing.grants(url) == before


def test_a_second_fence_after_the_first_was_lifted_records_anew(gate: Gate, url: str) -> None:
    gate.shut(RECOVERY)
    gate.lift(RECOVERY)
    with connected(url) as admin:
        admin.run("REVOKE CONNECT ON DATABASE app FROM PUBLIC; GRANT CONNECT ON DATABASE app TO guest")
    before = fencing.grants(url)
    gate.shut(RECOVERY)
    gate.lift(RECOVERY)
    assert fencing.grants(url) == before


def test_a_database_that_is_not_ours_is_named_before_anything_changes(
    gate: Gate, url: str, server: EmbeddedPostgres
) -> None:
    server.create_database("foreign db")
    before = fencing.grants(url)
    with pytest.raises(FenceFailed, match="foreign db") as failed:
        gate.shut(RECOVERY)
    assert 'ALTER DATABASE "foreign db" OWNER TO owner (or GRANT postgres TO owner)' in failed.value.hint
    assert fencing.grants(url) == before
    server.execute('ALTER DATABASE "foreign db" OWNER TO owner')
    assert "foreign db" in gate.shut(RECOVERY)[0]
    server.drop_database("foreign db")
    assert gate.lift(RECOVERY)[1] == ["Database foreign db is gone since it was fenced."]


def test_a_session_that_we_may_not_end_is_named_before_anything_changes(gate: Gate, url: str) -> None:
    before = fencing.grants(url)
    with connected(url) as admin, connected(url, "guest"):
        admin.run("REVOKE pg_signal_backend FROM owner")
        with pytest.raises(FenceFailed, match="sessions of guest") as failed:
            gate.shut(RECOVERY)
        assert "GRANT pg_signal_backend TO owner" in failed.value.hint
        assert fencing.grants(url) == before
        admin.run("GRANT pg_signal_backend TO owner")
    gate.shut(RECOVERY)


def test_who_gets_in_all_the_same_is_told(gate: Gate, url: str) -> None:
    with connected(url) as admin:
        admin.run("GRANT migrator TO app; GRANT owner TO guest")
    with connected(url, "migrator"):
        _, _, (member, ours) = gate.shut(RECOVERY)
    with connected(url) as admin:
        admin.run("REVOKE migrator FROM app; REVOKE owner FROM guest")
    assert member.startswith("app can connect to app, postgres yet") and "guest" not in member
    assert ours.startswith("1 sessions log in as migrator") and "(somebody else)" in ours


def test_superusers_are_told_and_left(gate: Gate, url: str) -> None:
    with connected(url) as admin:
        _, ended, notes = gate.shut(RECOVERY)
        assert ended == 0 and not is_ended(admin)
    assert notes == ["1 sessions of superusers (postgres) stay: no fence holds for them."]


def test_a_run_that_holds_the_database_is_not_cut_off(
    gate: Gate, db: Database, url: str, project: Project
) -> None:
    move(db, project.add("a1", None, "CREATE TABLE a (id int)").history())
    before = fencing.grants(url)
    with pytest.raises(RunInProgress, match="Run run-1 has held") as failed:
        gate.shut(RECOVERY)
    assert "db-migrate stop run-1" in failed.value.hint
    assert fencing.grants(url) == before
    db.close_run("run-1", "Stopped", "", remember=False)
    gate.shut(RECOVERY)


def test_no_run_begins_behind_a_fence(gate: Gate, db: Database, project: Project) -> None:
    gate.shut(RECOVERY)
    history = project.add("a1", None, "CREATE TABLE a (id int)").history()
    with pytest.raises(RunInProgress, match=RECOVERY) as refused:
        move(db, history)
    assert f"--abandon {RECOVERY}" in refused.value.hint
    gate.lift(RECOVERY)
    move(db, history)


def test_another_recovery_finds_the_fence(gate: Gate) -> None:
    gate.shut(RECOVERY)
    for act in (gate.shut, gate.lift):
        with pytest.raises(FenceFailed, match=f"Recovery {RECOVERY} has fenced app") as failed:
            act("staging-recovery-2")
        assert f"--resume {RECOVERY}" in failed.value.hint


def test_status_shows_it(gate: Gate, db: Database) -> None:
    assert db.look().fence is None
    gate.shut(RECOVERY)
    shown = db.look().fence or {}
    assert (shown["recovery"], shown["databases"]) == (RECOVERY, ["app", "postgres"])
    gate.lift(RECOVERY)
    assert db.look().fence is None


def test_only_the_marked_copy_is_opened(gate: Gate, url: str) -> None:
    gate.shut(RECOVERY)
    with pytest.raises(WrongInstance, match="does not bear the mark"):
        gate.open(RECOVERY)
    with our_connection(target_from_url(url), replace(Database(target_from_url(url), "staging").limits)) as c:
        fence_module.fence_tables.take_lease(c, RECOVERY, fence_module.fence_tables.OF_COPY)
        c.commit()
    with pytest.raises(WrongInstance, match="is the copy"):
        gate.lift(RECOVERY)
    assert gate.is_marked(RECOVERY)
    assert gate.open(RECOVERY)[0] == ["app", "postgres"]
    assert not is_refused(url, "app")
    assert gate.open(RECOVERY) == ([], [])
    assert rows(url, "SELECT outcome FROM dbmigrate.run") == [("Recovered",)]
