"""Revisions that commit inside, cut at any place: what status says of them, and how a rerun goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from tests.adapters.project import Project, connected, move, rows, until
from tests.longer.conftest import Invocation

from dbmigrate.adapters.migrators import ADVISORY_KEY
from dbmigrate.domain.errors import (
    DatabaseUnreachable,
    LockNotFreeMidway,
    RevisionFailed,
    RevisionHalfApplied,
    RunStopped,
    WorkContinues,
)
from dbmigrate.domain.progress import Progress
from dbmigrate.domain.unfinished import COMMITS_INSIDE
from dbmigrate.service.checks import refuse_drift
from dbmigrate.service.inspect import status

OUTSIDE = "with op.get_context().autocommit_block():\n    "
SLEEPERS = (
    "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_advisory_lock(4)%' AND wait_event = 'advisory'"
)


def cut_while(database: str, work: Callable[[], None]) -> BaseException:
    """What becomes of the work when its connection is cut at SELECT pg_advisory_lock(4)."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    with connected(database) as holder:
        holder.run("SELECT pg_advisory_lock(4)")
        thread = threading.Thread(target=run)
        thread.start()
        (pid,) = until(lambda: rows(database, SLEEPERS))[0]
        holder.run(f"SELECT pg_terminate_backend({pid})")
        thread.join()
    return failed[0]


TWO_HALVES = (
    "op.execute('CREATE TABLE two (id int)')\n"
    "op.execute('INSERT INTO two VALUES (1)')\n"
    f"{OUTSIDE}op.execute('INSERT INTO two VALUES (2)')\n"
    "    op.execute('SELECT pg_advisory_lock(4)')\n"
    "    op.execute('INSERT INTO two VALUES (3)')\n"
    "op.execute('INSERT INTO two VALUES (4)')"
)


def test_a_cut_revision_is_named_and_a_rerun_does_only_what_is_missing(
    table: Project, invocation: Invocation, database: str
) -> None:
    history = table.add("b2", "a1", TWO_HALVES).history()
    error = cut_while(database, lambda: move(invocation(None, lock=0, concurrent_lock=0), history))
    assert isinstance(error, DatabaseUnreachable)
    report = status("development", invocation(None), history)
    (half,) = report["unfinished"]
    assert (report["current"], half["revision"], half["operation"]) == ("a1", "b2", COMMITS_INSIDE)
    assert half["statements"] == [
        "CREATE TABLE two (id int)",
        "INSERT INTO two VALUES (1)",
        "INSERT INTO two VALUES (2)",
    ]
    move(invocation(None), history)
    assert rows(database, "SELECT id FROM two ORDER BY id") == [(1,), (2,), (3,), (4,)]
    assert invocation(None).look().unfinished == []
    assert rows(database, "SELECT count(*) FROM dbmigrate.work") == [(0,)]


def test_what_a_cut_revision_did_is_no_drift_but_the_rest_is(
    table: Project, invocation: Invocation, database: str
) -> None:
    history = table.add("b2", "a1", TWO_HALVES).history()
    move(invocation(None), history, "a1")
    invocation(None).close_run("run-1", "Succeeded", "", remember=True)
    cut_while(database, lambda: move(invocation(None, lock=0, concurrent_lock=0), history, run="run-2"))
    refuse_drift(invocation(None).look(), None)
    report = status("development", invocation(None), history)
    assert "two" in str(report["unfinished_differences"]) and not report["drift"]
    rows(database, "SELECT 1")
    with connected(database) as other:
        other.run("CREATE TABLE foreign_one (id int)")
    with pytest.raises(Exception, match="foreign_one") as refused:
        refuse_drift(invocation(None).look(), None)
    assert "two" not in str(refused.value)


def test_on_top_of_others_of_the_same_run_what_remains_is_named_too(
    table: Project, invocation: Invocation, database: str
) -> None:
    history = table.add("b2", "a1", "CREATE TABLE before (id int)").add("c3", "b2", TWO_HALVES).history()
    cut_while(database, lambda: move(invocation(None, lock=0, concurrent_lock=0), history))
    report = status("development", invocation(None), history)
    assert (report["current"], report["compared"]) == ("b2", True)
    told = " ".join(report["unfinished_differences"])
    assert not report["drift"]
    assert "two" in told and "before" not in told


def test_statements_that_differ_from_the_last_try_are_all_run(
    table: Project, invocation: Invocation, database: str
) -> None:
    history = table.add("b2", "a1", TWO_HALVES).history()
    cut_while(database, lambda: move(invocation(None, lock=0, concurrent_lock=0), history))
    mended = table.add("b2", "a1", "INSERT INTO two VALUES (7)").history()
    move(invocation(None), mended)
    assert rows(database, "SELECT id FROM two ORDER BY id") == [(1,), (2,), (7,)]


def test_a_loop_over_counted_rows_goes_on_where_it_was(
    table: Project, invocation: Invocation, database: str
) -> None:
    some = "SELECT id FROM one WHERE note NOT LIKE '%!' LIMIT 300"
    batch = f"UPDATE one SET note = note || '!' WHERE id IN ({some})"
    code = (
        f"{OUTSIDE}n = 0\n    while op.get_bind().exec_driver_sql({batch!r}).rowcount:\n"
        "        n += 1\n        if n == 2: op.execute('SELECT pg_advisory_lock(4)')"
    )
    history = table.add("b2", "a1", code).history()
    cut_while(database, lambda: move(invocation(None, lock=0, concurrent_lock=0), history))
    assert rows(database, "SELECT count(*) FROM one WHERE note LIKE '%!'") == [(600,)]
    move(invocation(None), history)
    assert rows(database, "SELECT count(*), max(length(note)) FROM one WHERE note LIKE '%!'") == [(1000, 10)]


def test_a_lock_in_the_second_half_keeps_the_first(
    table: Project, invocation: Invocation, database: str
) -> None:
    code = (
        f"op.execute('CREATE TABLE two (id int)')\n{OUTSIDE}pass\nop.execute('ALTER TABLE one ADD more int')"
    )
    history = table.add("b2", "a1", code).history()
    move(invocation(None), history, "a1")
    with connected(database) as holder:
        holder.run("BEGIN")
        holder.run("SELECT 1 FROM one LIMIT 1")
        with pytest.raises(LockNotFreeMidway, match="what it committed before stands.*somebody else"):
            move(invocation(None), history)
    move(invocation(None), history)
    assert rows(database, "SELECT more FROM one LIMIT 1") == [(None,)]


def test_a_failure_names_what_stands(table: Project, invocation: Invocation) -> None:
    code = f"op.execute('CREATE TABLE two (id int)')\n{OUTSIDE}pass\nop.execute('SELECT 1 / 0')"
    with pytest.raises(
        RevisionHalfApplied, match="division by zero(.|\\n)*committed: CREATE TABLE two"
    ) as half:
        move(invocation(None), table.add("b2", "a1", code).history())
    assert "goes on from there" in half.value.hint


def test_postgresql_cancels_before_the_invocation_ends(table: Project, invocation: Invocation) -> None:
    history = table.add("b2", "a1", "SELECT pg_sleep(30)").history()
    move(invocation(None), history, "a1")
    with pytest.raises(RevisionFailed, match="statement timeout.*invocation's time was over.*op.backfill"):
        move(invocation(1.2), history)


def test_each_statement_gets_what_is_left_and_no_more(
    table: Project, invocation: Invocation, database: str
) -> None:
    note = "INSERT INTO said SELECT current_setting('statement_timeout')"
    code = f"SET lock_timeout = 0\nCREATE TABLE said (ms text)\n{note}\nSELECT pg_sleep(1.1)\n{note}"
    move(invocation(30), table.add("b2", "a1", code).history())
    first, then = (
        int(ms.rstrip("ms")) / (1000 if "ms" in ms else 1) for (ms,) in rows(database, "TABLE said")
    )
    assert first <= 30 and then <= first - 1


@pytest.mark.parametrize("taken", [False, True])
def test_locks_that_a_revision_gives_up_are_taken_again(
    table: Project, invocation: Invocation, database: str, taken: bool
) -> None:
    """DISCARD ALL gives up the migrators' lock too."""
    code = f"{OUTSIDE}op.execute('DISCARD ALL')\n    op.execute('SELECT pg_advisory_lock(4)')"
    held = "SELECT count(*) AS n FROM pg_locks WHERE pid = pg_backend_pid() AND objid = "
    held += str(ADVISORY_KEY & 0xFFFFFFFF)
    history = table.add("b2", "a1", code).add("c3", "b2", f"CREATE TABLE held AS {held}").history()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            move(invocation(None, lock=0, concurrent_lock=0), history)
        except BaseException as error:
            failed.append(error)

    with connected(database) as other:
        other.run("SELECT pg_advisory_lock(4)")
        thread = threading.Thread(target=run)
        thread.start()
        until(lambda: rows(database, SLEEPERS))
        if taken:
            other.run(f"SELECT pg_advisory_lock({ADVISORY_KEY})")
        other.run("SELECT pg_advisory_unlock(4)")
        thread.join()
    if taken:
        assert "another migrator has them" in str(failed[0])
        assert invocation(None).current() == ("a1",)
    else:
        assert failed == []
        assert rows(database, "SELECT n FROM held") == [(1,)]


def test_a_paused_run_answers_in_a_function_and_sleeps_in_a_terminal(
    table: Project, invocation: Invocation, database: str, seen: list[Progress]
) -> None:
    history = table.add("b2", "a1", "ALTER TABLE one ADD more int").history()
    move(invocation(None), history, "a1")
    rows(database, "UPDATE dbmigrate.run SET wish = 'pause' RETURNING 1")
    with pytest.raises(WorkContinues) as paused:
        move(invocation(30), history)
    assert (paused.value.progress.paused, paused.value.wait) == (True, 30)
    seen.clear()
    thread = threading.Thread(target=lambda: move(invocation(None), history))
    thread.start()
    until(lambda: any(each.paused for each in seen))
    assert invocation(None).current() == ("a1",)
    rows(database, "UPDATE dbmigrate.run SET wish = NULL RETURNING 1")
    thread.join()
    assert invocation(None).current() == ("b2",)


def test_a_stopped_run_begins_no_revision(table: Project, invocation: Invocation, database: str) -> None:
    move(invocation(None), table.history())
    rows(database, "UPDATE dbmigrate.run SET wish = 'stop' RETURNING 1")
    with pytest.raises(RunStopped, match="Run run-1 was stopped in revision b2"):
        move(invocation(None), table.add("b2", "a1", "SELECT 1").history())
    assert invocation(None).current() == ("a1",)


def test_the_journal_is_added_to_ledgers_without_it(
    table: Project, invocation: Invocation, database: str
) -> None:
    move(invocation(None), table.history())
    with connected(database) as other:
        other.run("DROP TABLE dbmigrate.work")
    assert invocation(None).look().unfinished == []
    move(invocation(None), table.add("b2", "a1", "SELECT 1").history())
    assert rows(database, "SELECT count(*) FROM dbmigrate.work") == [(0,)]


def test_what_a_revision_discards_is_missed_by_nobody_after_it(
    table: Project, invocation: Invocation, database: str
) -> None:
    outside = f"{OUTSIDE}op.execute('INSERT INTO one VALUES (2000)')"
    table.add("b2", "a1", outside).add("c3", "b2", f"{OUTSIDE}op.execute('DEALLOCATE ALL')")
    table.add("d4", "c3", "INSERT INTO one VALUES (2001)").add("e5", "d4", outside.replace("2000", "2002"))
    table.add("f6", "e5", f"{OUTSIDE}op.execute('DISCARD ALL')").add("g7", "f6", "RESET ALL")
    move(invocation(None), table.add("h8", "g7", outside.replace("2000", "2003")).history())
    assert rows(database, "SELECT count(*) FROM one WHERE id >= 2000") == [(4,)]
