"""Statements that take longer than the invocations which began and watched them."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from tests.adapters.project import Project, concurrently, connected, move, rows, until
from tests.longer.conftest import Invocation

from dbmigrate.adapters.handles import FolderHandles
from dbmigrate.adapters.migrators import LONG_KEY
from dbmigrate.domain.errors import DatabaseUnreachable, RevisionFailed, RunStopped, WorkContinues
from dbmigrate.domain.progress import Progress

BUILD = concurrently("CREATE INDEX CONCURRENTLY ix_note ON one (note)")
BUILDERS = "SELECT pid, application_name FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'"
INDEX = (
    "SELECT i.indisvalid, c.oid::bigint FROM pg_index i JOIN pg_class c ON c.oid = indexrelid "
    "WHERE relname = '{}'"
)
AGAIN = "DROP INDEX CONCURRENTLY ix_note"


def is_valid(database: str, name: str = "ix_note") -> bool:
    return [valid for valid, _ in rows(database, INDEX.format(name))] == [True]


def test_a_build_longer_than_its_invocations_is_begun_once(
    table: Project,
    old_snapshot: Callable[[], None],
    invocation: Invocation,
    database: str,
    seen: list[Progress],
    handles: FolderHandles,
) -> None:
    history = table.add("b2", "a1", BUILD, AGAIN).history()
    builders, indexes, waits = set(), set(), []
    for _ in range(3):
        with pytest.raises(WorkContinues) as continues:
            move(invocation(30, slice=2), history, "b2")
        waits.append(continues.value.wait)
        builders |= {*rows(database, BUILDERS)}
        indexes |= {*rows(database, INDEX.format("ix_note"))}
    assert [name for _, name in builders] == ["db-migrate run-1 long"], "one session, begun once"
    assert len(indexes) == 1
    assert all(15 <= wait <= 300 for wait in waits)
    assert len(handles.all("run-1")) == 1, "the session that is left can be cancelled from outside"
    half = invocation(None).look()
    assert [(each.progress.operation, each.name, each.pid) for each in half.unfinished] == [
        ("CREATE INDEX CONCURRENTLY", "ix_note", next(iter(builders))[0])
    ]
    old_snapshot()
    move(invocation(10), history, "b2")
    assert is_valid(database)
    assert {oid for _, oid in rows(database, INDEX.format("ix_note"))} == {oid for _, oid in indexes}
    assert invocation(None).look().unfinished == []
    assert any("somebody else" in each.detail for each in seen), "who is waited for is told"
    assert {each.percent for each in seen if each.percent is not None} >= {99.0}


def test_a_long_build_on_many_rows_is_adopted_and_tells_its_percent(
    table: Project, invocation: Invocation, database: str, seen: list[Progress], handles: FolderHandles
) -> None:
    move(invocation(None), table.history())
    with connected(database) as other:
        other.run(
            "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(0.001); RETURN $1; END $$"
        )
        other.run("INSERT INTO one SELECT n, repeat('x', 500) FROM generate_series(1001, 4000) n")
    history = table.add(
        "b2", "a1", concurrently("CREATE INDEX CONCURRENTLY ix_slow ON one (slow(id))")
    ).history()
    calls = 0
    while True:
        try:
            move(invocation(30, slice=2), history, "b2")
            break
        except WorkContinues:
            calls += 1
            assert len(rows(database, BUILDERS)) <= 1
    assert calls >= 1
    assert is_valid(database, "ix_slow")
    assert handles.all("run-1") == []
    told = [each.percent for each in seen if each.percent]
    assert told == sorted(told) and len(set(told)) > 3
    assert any(each.seconds_left for each in seen)


CHILD = """
import sys
from pathlib import Path
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import load_history
url, folder = sys.argv[1:]
facts = {"bundle": "direct", "plan": "direct", "direction": "upgrade", "requested_by": "ann"}
Database(target_from_url(url), "development").move(
    load_history(Path(folder)), ["b2"], "upgrade", "killed-1", facts)
"""


def test_after_a_kill_another_run_adopts_the_build(
    table: Project, old_snapshot: Callable[[], None], invocation: Invocation, database: str
) -> None:
    history = table.add("b2", "a1", BUILD, AGAIN).history()
    rows(database, "UPDATE dbmigrate.run SET ended_at = now(), outcome = 'Succeeded' RETURNING 1")
    child = subprocess.Popen([sys.executable, "-c", CHILD, database, str(table.folder)])
    waiting = "SELECT 1 FROM pg_stat_progress_create_index WHERE phase = 'waiting for old snapshots'"
    until(lambda: rows(database, waiting))
    (before,) = rows(database, BUILDERS)
    child.send_signal(signal.SIGKILL)
    child.wait()
    with pytest.raises(WorkContinues):
        move(invocation(30, slice=2), history, "b2", run="next-1")
    assert rows(database, BUILDERS) == [before]
    old_snapshot()
    move(invocation(None), history, "b2", run="next-1")
    assert is_valid(database)


def test_what_a_dead_server_process_left_invalid_is_built_again(
    table: Project, old_snapshot: Callable[[], None], invocation: Invocation, database: str
) -> None:
    history = table.add("b2", "a1", BUILD, AGAIN).history()
    with pytest.raises(WorkContinues):
        move(invocation(30, slice=1.5), history, "b2")
    (left,) = rows(database, INDEX.format("ix_note"))
    rows(database, f"SELECT pg_terminate_backend(pid) FROM ({BUILDERS}) b")
    until(lambda: not rows(database, BUILDERS))
    old_snapshot()
    assert not left[0]
    assert invocation(None).look().unfinished[0].progress.operation == "CREATE INDEX CONCURRENTLY"
    move(invocation(None), history, "b2")
    (now,) = rows(database, INDEX.format("ix_note"))
    assert now[0] and now[1] != left[1]


def test_a_cut_connection_of_the_statement_is_told_and_built_again(
    table: Project, old_snapshot: Callable[[], None], invocation: Invocation, database: str
) -> None:
    import threading

    history = table.add("b2", "a1", BUILD, AGAIN).history()

    def cut() -> None:
        until(lambda: rows(database, BUILDERS))
        rows(database, f"SELECT pg_terminate_backend(pid) FROM ({BUILDERS}) b")

    thread = threading.Thread(target=cut)
    thread.start()
    with pytest.raises(DatabaseUnreachable, match="CREATE INDEX CONCURRENTLY one broke"):
        move(invocation(None), history, "b2")
    thread.join()
    old_snapshot()
    move(invocation(None), history, "b2")
    assert is_valid(database)


def test_somebody_elses_invalid_index_is_named_and_left_alone(
    table: Project, invocation: Invocation, database: str
) -> None:
    move(invocation(None), table.history())
    with connected(database) as other:
        other.run("INSERT INTO one VALUES (2001, 'note 1')")
        with pytest.raises(Exception, match="could not create unique index"):
            other.run("CREATE UNIQUE INDEX CONCURRENTLY ix_note ON one (note)")
    (before,) = rows(database, INDEX.format("ix_note"))
    for form in ("", "IF NOT EXISTS "):
        code = concurrently(f"CREATE INDEX CONCURRENTLY {form}ix_note ON one (note)")
        with pytest.raises(
            RevisionFailed, match="public.ix_note is there already and INVALID.*\\n.*DROP INDEX"
        ):
            move(invocation(None), table.add("b2", "a1", code).history(), "b2")
    assert rows(database, INDEX.format("ix_note")) == [before]


def test_stopping_cancels_the_statement(
    table: Project, old_snapshot: Callable[[], None], invocation: Invocation, database: str
) -> None:
    import threading

    history = table.add("b2", "a1", BUILD, AGAIN).history()

    def stop() -> None:
        until(lambda: rows(database, BUILDERS))
        rows(database, "UPDATE dbmigrate.run SET wish = 'stop' RETURNING 1")

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(RunStopped, match="Run run-1 was stopped in revision b2"):
        move(invocation(None), history, "b2")
    thread.join()
    assert rows(database, BUILDERS) == []
    assert invocation(None).look().unfinished != []
    rows(database, "UPDATE dbmigrate.run SET ended_at = now(), outcome = 'Stopped' RETURNING 1")
    old_snapshot()
    move(invocation(None), history, "b2", run="run-2")
    assert is_valid(database)


def test_two_builds_of_one_revision_go_on_with_the_second(
    table: Project, invocation: Invocation, database: str
) -> None:
    """The first was built in an earlier try: neither skipped unseen nor built again."""
    code = (
        "with op.get_context().autocommit_block():\n"
        "    op.execute('CREATE INDEX CONCURRENTLY ix_note ON one (note)')\n"
        "    op.execute('CREATE UNIQUE INDEX CONCURRENTLY ix_left ON one (left(note, 4))')"
    )
    history = table.add("b2", "a1", code).history()
    with pytest.raises(Exception, match="could not create unique index.*\\n?.*ix_note: done"):
        move(invocation(None), history)
    (first,) = rows(database, INDEX.format("ix_note"))
    assert rows(database, INDEX.format("ix_left")) == []
    rows(database, "UPDATE one SET note = id || note RETURNING 1")
    move(invocation(None), history)
    assert rows(database, INDEX.format("ix_note")) == [first]
    assert is_valid(database, "ix_left")


@pytest.mark.parametrize(
    ("before", "statement", "proof"),
    [
        ("", "REINDEX TABLE CONCURRENTLY one", "SELECT 1"),
        ("", "REINDEX (VERBOSE, CONCURRENTLY) INDEX one_pkey", "SELECT 1"),
        ("CREATE INDEX ix_note ON one (note)", "DROP INDEX CONCURRENTLY ix_note",
         "SELECT 1 WHERE to_regclass('ix_note') IS NULL"),
        ("ALTER TABLE one ADD CONSTRAINT c CHECK (id > 0) NOT VALID", "ALTER TABLE one VALIDATE CONSTRAINT c",
         "SELECT 1 FROM pg_constraint WHERE conname = 'c' AND convalidated"),
        ("CREATE MATERIALIZED VIEW m AS SELECT id FROM one; CREATE UNIQUE INDEX ON m (id); "
         "INSERT INTO one VALUES (2000, '')", "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
         "SELECT 1 FROM m WHERE id = 2000"),
        ("CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
         "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
         "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_inherits)"),
    ],
)  # fmt: skip
def test_every_long_statement_runs_in_a_session_of_its_own(
    table: Project, invocation: Invocation, database: str, before: str, statement: str, proof: str
) -> None:
    move(invocation(None), table.history())
    with connected(database) as other:
        for each in filter(None, before.split("; ")):
            other.run(each)
        other.run(f"SELECT pg_advisory_lock({LONG_KEY})")
        with pytest.raises(WorkContinues, match="is not done yet"):
            move(invocation(30, slice=0.5), table.add("b2", "a1", concurrently(statement)).history(), "b2")
    move(invocation(None), table.history(), "b2")
    assert rows(database, proof) == [(1,)]


def test_what_only_the_own_session_sees_stays_there(
    table: Project, invocation: Invocation, database: str
) -> None:
    code = (
        "with op.get_context().autocommit_block():\n"
        "    op.execute('CREATE TEMP TABLE mine (id int)')\n"
        "    op.execute('CREATE INDEX CONCURRENTLY ix_mine ON mine (id)')\n"
        "    op.execute('SET search_path = pg_catalog, public')\n"
        "    op.execute('CREATE INDEX CONCURRENTLY ix_note ON one (note)')"
    )
    move(invocation(None), table.add("b2", "a1", code).history())
    assert is_valid(database)
