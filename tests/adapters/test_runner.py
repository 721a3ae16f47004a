"""What a revision may do, what becomes of one that fails, and what the next one starts from."""

from __future__ import annotations

import threading

import pytest
from tests.adapters.project import Project, concurrently, connected, move, rows, until

from dbmigrate.adapters.database import Database
from dbmigrate.domain.errors import DatabaseUnreachable, LockNotFree, RevisionFailed, RevisionHalfApplied

TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
)
LEDGER = "SELECT revision, direction, lock_waits FROM dbmigrate.revision ORDER BY id"


@pytest.fixture
def first(project: Project) -> Project:
    return project.add("a1", None, "CREATE TABLE one (id int)", "DROP TABLE one")


def test_revisions_and_their_ledger_lines(first: Project, db: Database, database: str) -> None:
    heard: list[tuple[str, int]] = []
    history = first.add("b2", "a1", "ALTER TABLE one ADD note text").history()
    move(db, history, committed=lambda revision, seconds, waits: heard.append((revision, waits)))
    assert db.current() == ("b2",)
    assert heard == [("a1", 0), ("b2", 0)]
    assert rows(database, LEDGER) == [("a1", "upgrade", 0), ("b2", "upgrade", 0)]


def test_a_downgrade_is_recorded_too(first: Project, db: Database, database: str) -> None:
    history = first.history()
    move(db, history)
    move(db, history, "a1", direction="downgrade")
    assert db.current() == ()
    assert rows(database, TABLES) == [("alembic_version",)]
    assert rows(database, LEDGER)[-1] == ("a1", "downgrade", 0)


def test_a_failing_revision_leaves_nothing_and_those_before_it_stay(
    first: Project, db: Database, database: str
) -> None:
    history = first.add("b2", "a1", "CREATE TABLE two (id int)\nSELECT 1 / 0").history()
    with pytest.raises(
        RevisionFailed, match=r"b2_change.py, upgrade: division by zero. Statement: SELECT 1 / 0"
    ):
        move(db, history)
    assert db.current() == ("a1",)
    assert rows(database, TABLES) == [("alembic_version",), ("one",)]
    assert [line[0] for line in rows(database, LEDGER)] == ["a1"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('no idea')", "ValueError: no idea"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("op.execute('SELEC 1')", "syntax error"),
        ("op.drop_table('nowhere')", '"nowhere" does not exist'),
        ("op.execute(\"CREATE TABLE t (n int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED); INSERT INTO t "
         "VALUES (1), (1)\")", "duplicate key"),
    ],
)  # fmt: skip
def test_whatever_a_revision_raises_names_it(
    project: Project, db: Database, database: str, code: str, said: str
) -> None:
    history = project.add("a1", None, code).history()
    with pytest.raises(RevisionFailed) as failed:
        move(db, history)
    assert said in failed.value.message
    assert failed.value.message.startswith("versions/a1_change.py, upgrade: ")
    assert (db.current(), rows(database, TABLES)) == ((), [("alembic_version",)])


def test_a_revision_without_upgrade_is_not_taken_for_half_applied(first: Project, db: Database) -> None:
    history = first.write("b2.py", 'revision = "b2"\ndown_revision = "a1"\n').history()
    with pytest.raises(RevisionFailed, match="b2.py, upgrade: .*no attribute 'upgrade'.*\n.*nothing of it"):
        move(db, history)
    assert db.current() == ("a1",)


def test_a_missing_downgrade_names_its_file(project: Project, db: Database) -> None:
    project.write("a1.py", 'revision = "a1"\ndown_revision = None\ndef upgrade(): pass\n')
    move(db, project.history())
    with pytest.raises(RevisionFailed, match="a1.py, downgrade: .*no attribute 'downgrade'"):
        move(db, project.history(), "a1", direction="downgrade")


def test_an_autocommit_block_runs_and_the_next_limits_are_ours_again(
    first: Project, db: Database, database: str
) -> None:
    first.add("b2", "a1", concurrently("CREATE INDEX CONCURRENTLY ix_one ON one (id)"))
    first.add("c3", "b2", "CREATE TABLE limits AS SELECT current_setting('lock_timeout') AS lock")
    move(db, first.history())
    assert rows(database, "SELECT lock FROM limits") == [("100ms",)]
    assert "public.ix_one" in db.catalog()["index"]


def test_a_failing_concurrent_build_leaves_no_invalid_index(
    first: Project, db: Database, database: str
) -> None:
    first.add("b2", "a1", "INSERT INTO one VALUES (1), (1)")
    first.add("c3", "b2", concurrently("CREATE UNIQUE INDEX CONCURRENTLY twice ON one (id)"))
    with pytest.raises(
        RevisionFailed, match="c3_change.py.*could not create unique index.*\n.*nothing of it"
    ):
        move(db, first.history())
    assert db.current() == ("b2",)
    assert (db.invalid_indexes(), db.look().unfinished) == ([], [])


def test_a_block_that_fails_after_rows_were_committed_is_half_applied(first: Project, db: Database) -> None:
    code = concurrently("INSERT INTO one VALUES (7)") + "\nraise ValueError('then')"
    with pytest.raises(RevisionHalfApplied, match="ValueError: then.*No invalid index was left"):
        move(db, first.add("b2", "a1", code).history())


def test_a_commit_in_a_revision_is_noticed_when_it_fails(first: Project, db: Database, database: str) -> None:
    history = first.add("b2", "a1", "CREATE TABLE two (id int)\nCOMMIT\nSELECT 1 / 0").history()
    with pytest.raises(RevisionHalfApplied, match="b2_change.py"):
        move(db, history)
    assert "two" in str(rows(database, TABLES))
    assert db.current() == ("a1",)


def test_a_commit_in_a_revision_that_works_is_taken(first: Project, db: Database) -> None:
    move(db, first.add("b2", "a1", "CREATE TABLE two (id int)\nCOMMIT").history())
    assert db.current() == ("b2",)


def test_a_rollback_in_a_revision_is_refused(first: Project, db: Database, database: str) -> None:
    history = first.add(
        "b2", "a1", "CREATE TABLE two (id int)\nROLLBACK\nCREATE TABLE three (id int)"
    ).history()
    with pytest.raises(RevisionFailed, match="says ROLLBACK itself"):
        move(db, history)
    assert rows(database, TABLES) == [("alembic_version",), ("one",)]
    assert db.current() == ("a1",)


def test_settings_of_one_revision_do_not_reach_the_next(first: Project, db: Database, database: str) -> None:
    first.add("b2", "a1", "CREATE SCHEMA other\nSET lock_timeout = 0\nCREATE TEMP TABLE mine (id int)")
    first.add("c3", "b2", "SET search_path = other, public")
    first.add(
        "d4",
        "c3",
        "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock, "
        "current_setting('search_path') AS path, to_regclass('mine')::text AS temp",
    )
    move(db, first.history())
    assert rows(database, "SELECT lock, path, temp FROM seen") == [("100ms", '"$user", public', None)]


def test_a_role_of_one_revision_does_not_reach_the_next(first: Project, db: Database, database: str) -> None:
    first.add("b2", "a1", "SET ROLE pg_database_owner\nRESET ROLE\nSET SESSION AUTHORIZATION postgres")
    first.add("c3", "b2", "CREATE TABLE seen AS SELECT current_user::text AS who")
    move(db, first.history())
    assert rows(database, "SELECT who FROM seen") == [("postgres",)]


def test_a_revision_that_closes_the_connection_is_named(first: Project, db: Database, database: str) -> None:
    history = first.add(
        "b2", "a1", "op.execute('CREATE TABLE two (id int)'); op.get_bind().close()"
    ).history()
    with pytest.raises(DatabaseUnreachable, match="b2_change.py, upgrade: the connection broke"):
        move(db, history)
    assert db.current() == ("a1",)
    assert "two" not in str(rows(database, TABLES))


def test_a_session_that_the_server_ends_is_no_failed_revision(first: Project, db: Database) -> None:
    kill = "CREATE TABLE two (id int)\nSELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(
        DatabaseUnreachable, match="b2_change.py, upgrade: the connection broke.*network error"
    ):
        move(db, first.add("b2", "a1", kill).history())
    assert db.current() == ("a1",)


def test_killed_before_the_commit_there_is_neither_revision_nor_line(
    first: Project, db: Database, database: str
) -> None:
    kill = "import time\nop.execute('CREATE TABLE two (id int)')\nop.execute('SELECT pg_advisory_lock(4)')"
    history = first.add("b2", "a1", kill).history()
    move(db, history, "a1")
    with connected(database) as holder:
        holder.run("SELECT pg_advisory_lock(4)")
        failures: list[BaseException] = []

        def run() -> None:
            try:
                db.limits = type(db.limits)(lock=0)
                move(db, history, "b2")
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        waiting = (
            "SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
        )
        (pid,) = until(lambda: rows(database, waiting))[0]
        holder.run(f"SELECT pg_terminate_backend({pid})")
        thread.join()
    assert isinstance(failures[0], DatabaseUnreachable)
    assert [line[0] for line in rows(database, LEDGER)] == ["a1"]
    assert "two" not in str(rows(database, TABLES))


def test_a_lock_rolls_the_whole_revision_back_and_runs_it_again(
    first: Project, db: Database, database: str
) -> None:
    history = first.add("b2", "a1", "CREATE TABLE two (id int)\nALTER TABLE one ADD note text").history()
    move(db, history, "a1")
    with connected(database) as holder:
        holder.run("BEGIN")
        holder.run("LOCK TABLE one")
        seen: list[int] = []

        def release() -> None:
            until(lambda: rows(database, "SELECT 1 FROM pg_locks WHERE NOT granted"))
            until(lambda: not rows(database, "SELECT 1 FROM pg_locks WHERE NOT granted"))
            seen.append(len(rows(database, "SELECT 1 FROM pg_class WHERE relname = 'two'")))
            holder.run("COMMIT")

        thread = threading.Thread(target=release)
        thread.start()
        move(db, history, "b2")
        thread.join()
    assert seen == [0], "while it waits for the next try nothing of the revision is there"
    assert rows(database, LEDGER)[-1][2] >= 1


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_is_never_free_names_its_holder(first: Project, db: Database, database: str) -> None:
    history = first.add("b2", "a1", "CREATE TABLE two (id int)\nALTER TABLE one ADD note text").history()
    move(db, history, "a1")
    with connected(database) as holder, connected(database) as bystander:
        bystander.run("BEGIN")
        bystander.run("SELECT 1")
        holder.run("BEGIN")
        holder.run("SELECT * FROM one")
        (pid,) = holder.run("SELECT pg_backend_pid()")[0]
        with pytest.raises(LockNotFree) as failed:
            move(db, history, "b2")
    assert f"Held by pid {pid} (somebody else)" in failed.value.message
    assert "AccessShareLock on one" in failed.value.message
    assert "ALTER TABLE one ADD note text" in failed.value.message
    assert ";" not in failed.value.message.partition("Held by")[2], "the bystander holds nothing"
    assert "two" not in str(rows(database, TABLES))


@pytest.mark.usefixtures("impatient")
def test_a_lock_on_the_version_table_is_one_too(first: Project, db: Database, database: str) -> None:
    history = first.add("b2", "a1", "CREATE TABLE two (id int)").history()
    move(db, history, "a1")
    with connected(database) as holder:
        holder.run("BEGIN")
        holder.run("SELECT * FROM alembic_version FOR UPDATE")
        with pytest.raises(LockNotFree, match="UPDATE alembic_version.*RowShareLock on alembic_version"):
            move(db, history, "b2")
        holder.run("LOCK TABLE alembic_version")
        with pytest.raises(LockNotFree, match="alembic_version"):
            move(db, history, "b2")
    assert "two" not in str(rows(database, TABLES))


def test_a_failing_listener_is_not_blamed_on_a_revision(first: Project, db: Database) -> None:
    def broken(revision: str, seconds: float, waits: int) -> None:
        raise BrokenPipeError("nobody reads")

    with pytest.raises(BrokenPipeError):
        move(db, first.history(), committed=broken)
    assert db.current() == ("a1",)
