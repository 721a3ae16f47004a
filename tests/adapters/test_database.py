"""One migrator at a time, one environment a database, one lease a run."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from tests.adapters.project import FACTS, Project, concurrently, connected, move, rows, until

from dbmigrate.adapters import migrators as module
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.migrators import ADVISORY_KEY
from dbmigrate.domain.errors import (
    DatabaseUnreachable,
    Failed,
    LockNotFree,
    PlanOutdated,
    RunInProgress,
    StillRunning,
    WrongEnvironment,
)
from dbmigrate.domain.standing import DIRECT

OPEN = "SELECT name FROM dbmigrate.run WHERE ended_at IS NULL"


@pytest.fixture
def first(project: Project) -> Project:
    return project.add("a1", None, "CREATE TABLE one (id int)", "DROP TABLE one")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(module, "LOCK_POLL_SECONDS", 0.02)


def test_an_untouched_database(db: Database) -> None:
    standing = db.look()
    assert (standing.current, standing.applied, standing.runs, standing.kept) == ((), {}, [], None)
    assert standing.open_run is None
    assert (db.runs(), db.current(), db.way_of("run-1")) == ([], (), ((), {}))
    assert db.close_run("run-1", "Succeeded", "", remember=True) is None


def test_looking_changes_nothing(db: Database, database: str) -> None:
    db.look()
    assert rows(database, "SELECT nspname FROM pg_namespace WHERE nspname = 'dbmigrate'") == []


@pytest.mark.usefixtures("hurried")
def test_a_second_migrator_is_refused(first: Project, db: Database, database: str) -> None:
    with connected(database) as other:
        other.run(f"SELECT pg_advisory_lock({ADVISORY_KEY})")
        with pytest.raises(RunInProgress, match="Another migrator"):
            move(db, first.history())
        with pytest.raises(RunInProgress, match="Another migrator"):
            db.empty()
        assert rows(database, "SELECT to_regclass('dbmigrate.run')") == [(None,)]
    move(db, first.history())


@pytest.mark.usefixtures("hurried")
def test_an_earlier_invocation_of_the_run_is_waited_for(first: Project, db: Database, database: str) -> None:
    """A retry after a lost answer must not be told that its run changed nothing: the first one still may."""
    history = first.history()
    with connected(database) as earlier:
        earlier.run("SET application_name = 'db-migrate run-1'")
        earlier.run(f"SELECT pg_advisory_lock({ADVISORY_KEY})")
        with pytest.raises(StillRunning, match=r"pid \d+ \(db-migrate run-1\)"):
            move(db, history)
        with pytest.raises(RunInProgress, match=r"\(db-migrate run-1\)"):
            move(db, history, run="run-2")
    until(lambda: not rows(database, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))
    move(db, history)
    assert db.current() == ("a1",)


def test_a_waiting_migrator_does_not_stop_a_concurrent_build(
    first: Project, db: Database, database: str
) -> None:
    """One that waited inside pg_advisory_lock would deadlock with it."""
    history = first.add("b2", "a1", concurrently("CREATE INDEX CONCURRENTLY ix ON one (id)")).history()
    move(db, history, "a1")
    ended: list[BaseException | None] = []

    def second() -> None:
        try:
            move(db, history, "b2", run="run-2")
        except BaseException as error:
            ended.append(error)

    with connected(database) as holder:
        holder.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        holder.run("SELECT * FROM one")
        builder = threading.Thread(target=move, args=(db, history, "b2"))
        builder.start()
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted"
        until(lambda: rows(database, waits))
        other = threading.Thread(target=second)
        other.start()
        polling = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'db-migrate run-2'"
        until(lambda: rows(database, polling))
        holder.run("COMMIT")
        builder.join()
        other.join()
    assert db.current() == ("b2",)
    assert [type(error) for error in ended] == [RunInProgress]
    assert db.invalid_indexes() == []


def test_two_runs_at_once_and_exactly_one_moves(first: Project, db: Database, database: str) -> None:
    history, ended = first.history(), []
    barrier = threading.Barrier(2)

    def run(name: str) -> None:
        barrier.wait()
        try:
            move(db, history, "a1", run=name)
            ended.append(None)
        except BaseException as error:
            ended.append(type(error))

    threads = [threading.Thread(target=run, args=(name,)) for name in ("run-1", "run-2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ended) == {RunInProgress, None}
    assert len(rows(database, "SELECT 1 FROM dbmigrate.revision")) == 1


def test_a_run_keeps_its_lease_until_it_is_closed(first: Project, db: Database, database: str) -> None:
    history = first.add("b2", "a1").history()
    move(db, history, "a1")
    with pytest.raises(RunInProgress, match="Run run-1 has held this database since"):
        move(db, history, "b2", run="run-2")
    move(db, history, "b2")
    assert db.close_run("run-1", "Succeeded", "", remember=True) is not None
    assert db.close_run("run-1", "Failed", "", remember=False) is None, "a run ends once"
    assert [(run["run"], run["outcome"], run["revisions"]) for run in db.runs()] == [
        ("run-1", "Succeeded", ["a1", "b2"])
    ]
    with pytest.raises(RunInProgress, match="Run run-1 has ended"):
        move(db, history, "b2", direction="downgrade")
    move(db, history, "b2", direction="downgrade", run="run-2")


def test_closing_somebody_elses_run_leaves_its_lease(first: Project, db: Database, database: str) -> None:
    move(db, first.history())
    assert db.close_run("run-2", "RunInProgress", "", remember=True) is None
    assert rows(database, OPEN) == [("run-1",)]
    assert db.look().kept is None


def test_a_direct_run_that_died_gives_its_lease_to_the_next(
    first: Project, db: Database, database: str
) -> None:
    history = first.add("b2", "a1").history()
    direct = {**FACTS, "bundle": DIRECT}
    with pytest.raises(ZeroDivisionError):
        db.move(history, ["a1"], "upgrade", "dead", direct, committed=lambda *facts: 1 / 0)
    assert rows(database, OPEN) == [("dead",)]
    db.move(history, ["b2"], "upgrade", "next", direct)
    outcomes = [(run["run"], run["outcome"]) for run in db.runs()]
    assert outcomes == [("next", "Succeeded"), ("dead", "Abandoned")]
    assert rows(database, OPEN) == []


def test_a_refused_plan_takes_no_lease_and_leaves_no_ledger(
    first: Project, db: Database, database: str
) -> None:
    def refuse(current: tuple[str, ...]) -> None:
        raise PlanOutdated(f"stands at {current}")

    with pytest.raises(PlanOutdated, match=r"stands at \(\)"):
        move(db, first.history(), check=refuse)
    assert rows(database, "SELECT to_regclass('dbmigrate.run')") == [(None,)]


def test_the_database_of_another_environment_is_refused_everywhere(first: Project, db: Database) -> None:
    move(db, first.history())
    db.close_run("run-1", "Succeeded", "", remember=True)
    wrong = Database(db.target, "production")
    for attempt in (
        wrong.look,
        wrong.current,
        wrong.runs,
        wrong.empty,
        lambda: wrong.close_run("run-1", "x", "", remember=True),
        lambda: wrong.way_of("run-1"),
        lambda: move(wrong, first.history(), "a1"),
    ):
        with pytest.raises(WrongEnvironment, match="belongs to development, but the run is for production"):
            attempt()


def test_reset_empties_every_schema_and_keeps_what_was_there_before_us(
    project: Project, db: Database, database: str
) -> None:
    with connected(database) as admin:
        admin.run("CREATE EXTENSION citext")
    project.add(
        "a1", None, 'CREATE EXTENSION hstore\nCREATE SCHEMA "Odd ""name"""\nCREATE TABLE other (id citext)'
    )
    move(db, project.history())
    db.empty()
    assert db.catalog() == {"extension": db.catalog()["extension"]}
    assert list(db.catalog()["extension"]) == ["citext"]
    assert db.current() == ()
    move(db, project.history())
    assert sorted(db.catalog()["extension"]) == ["citext", "hstore"]


def test_reset_goes_on_without_a_dead_lease(first: Project, db: Database, database: str) -> None:
    move(db, first.history())
    db.empty()
    move(db, first.history(), run="run-2")


def test_a_lock_outside_of_revisions_is_told_as_one(first: Project, db: Database, database: str) -> None:
    move(db, first.history())
    with connected(database) as holder:
        holder.run("BEGIN")
        holder.run("SELECT * FROM one")
        with pytest.raises(LockNotFree, match="lock timeout"):
            db.empty()
        holder.run("LOCK TABLE alembic_version")
        with pytest.raises(LockNotFree, match="alembic_version.*Held by pid"):
            db.current()


def test_what_postgresql_refuses_is_told_in_its_words(db: Database) -> None:
    with pytest.raises(Failed, match='relation "nowhere" does not exist'), db.session() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")


def test_our_own_errors_pass_through_a_session(db: Database) -> None:
    with pytest.raises(PlanOutdated, match="mine"), db.session():
        raise PlanOutdated("mine")


def test_a_broken_session_is_unreachable_and_says_what_to_type(db: Database, database: str) -> None:
    with (
        pytest.raises(DatabaseUnreachable, match="broke") as failed,
        db.session("db-migrate look") as connection,
    ):
        (pid,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
        rows(database, f"SELECT pg_terminate_backend({pid}, 5000)")
        connection.exec_driver_sql("SELECT 1")
    assert "db-migrate status" in failed.value.hint


def test_the_kept_catalog_is_that_of_the_last_clean_end(first: Project, db: Database) -> None:
    history = first.add("b2", "a1", "CREATE TABLE two (id int)").history()
    move(db, history, "a1")
    db.close_run("run-1", "Succeeded", "", remember=True)
    kept = db.look().kept
    assert kept is not None and kept == ("a1", db.catalog())
    move(db, history, "b2", run="run-2")
    db.close_run("run-2", "RevisionFailed", "x" * 20_000, remember=False)
    assert db.look().kept == kept


def test_a_table_counts_with_its_partitions(db: Database, database: str) -> None:
    with connected(database) as admin:
        admin.run("CREATE TABLE p (n int) PARTITION BY RANGE (n)")
        admin.run("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100000)")
        admin.run("INSERT INTO p SELECT generate_series(1, 5000)")
        admin.run("ANALYZE p")
        admin.run("CREATE MATERIALIZED VIEW m AS SELECT * FROM p")
    sizes = db.look().sizes
    assert sizes["public.p"] == sizes["public.p1"]
    assert sizes["public.m"].bytes > 100_000
    assert sizes["public.p"].bytes > 100_000 and sizes["public.p"].rows == 5000


def test_a_role_that_may_only_read_is_told_so(first: Project, db: Database, database: str) -> None:
    with connected(database) as admin:
        admin.run("DROP ROLE IF EXISTS reader")
        admin.run("CREATE ROLE reader LOGIN")
    try:
        reader = Database(replace(target_from_url(database), user="reader"), "development")
        with pytest.raises(Failed, match="permission denied for database"):
            move(reader, first.history())
    finally:
        rows(database, "DROP ROLE reader")
