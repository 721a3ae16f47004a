"""Development: every command, straight against a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.cases import add_table, query, run, tables, write_revision
from tests.cli.conftest import Run

from dbmigrate_local.embedded import EmbeddedPostgres


def test_deploy_applies_what_is_pending_and_then_has_nothing_to_do(db_migrate: Run, database: str) -> None:
    first, second = db_migrate("deploy"), db_migrate("deploy")
    assert (first.code, second.code) == (0, 0)
    assert "3/3  0003" in first.out and "Create t3 for the test." in first.out
    assert second.out == "Nothing to do: the database is at 0003.\n"
    assert tables(database) == {"t1", "t2", "t3"}


def test_deploy_in_json_names_the_run(db_migrate: Run) -> None:
    answer = db_migrate("--format", "json", "deploy", "--requested-by", "me@example.com")
    assert answer.json["outcome"] == "Succeeded" and answer.json["revisions"] == ["0001", "0002", "0003"]
    assert db_migrate("--format", "json", "deploy").json["outcome"] == "NothingPending"
    (run_,) = db_migrate("--format", "json", "runs").json["runs"]
    assert run_["run"] == answer.json["run"] and run_["requested_by"] == "me@example.com"


def test_status_has_every_documented_key(db_migrate: Run, history: Path) -> None:
    fresh = db_migrate("--format", "json", "status").json
    assert (fresh["current"], fresh["head"], fresh["applied"]) == ("base", "0003", 0)
    assert fresh["pending"] == ["0001", "0002", "0003"] and fresh["last_run"] is None
    db_migrate("deploy")
    add_table(history, 4)
    report = db_migrate("--format", "json", "status").json
    assert (report["environment"], report["current"], report["head"]) == ("development", "0003", "0004")
    assert (report["pending"], report["applied"], report["drift"], report["running"]) == (
        ["0004"],
        3,
        False,
        [],
    )
    assert report["last_run"]["outcome"] == "Succeeded"


def test_status_as_text_says_what_to_type_next(db_migrate: Run) -> None:
    answer = db_migrate("status")
    assert "pending      3 revisions\n             0001  Create t1 for the test." in answer.out
    assert answer.err == "next: db-migrate deploy\n"


def test_status_says_how_a_run_goes_on_whose_process_died(db_migrate: Run, database: str) -> None:
    db_migrate("deploy")
    query(database, "UPDATE dbmigrate.run SET ended_at = NULL, outcome = NULL")
    answer = db_migrate("status")
    assert "running      development-" in answer.out and "process has died" in answer.err


def test_rollback_undoes_one_step_some_steps_or_down_to_a_revision(db_migrate: Run, database: str) -> None:
    db_migrate("deploy")
    assert "undone" not in db_migrate("rollback").err
    assert tables(database) == {"t1", "t2"}
    assert db_migrate("--format", "json", "rollback", "--to", "0001").json["revisions"] == ["0002"]
    assert db_migrate("--format", "json", "rollback", "--steps", "9").json["current"] == "base"
    assert db_migrate("rollback").out == "Nothing to undo.\n"


def test_reset_makes_everything_anew(db_migrate: Run, database: str) -> None:
    db_migrate("deploy")
    query(database, "INSERT INTO t1 VALUES (1)")
    assert db_migrate("reset").code == 3
    assert query(database, "SELECT count(*) FROM t1") == [[1]]
    assert db_migrate("reset", "--yes").code == 0
    assert query(database, "SELECT count(*) FROM t1") == [[0]]


def test_check_is_silent_about_a_sound_database(db_migrate: Run) -> None:
    db_migrate("deploy")
    answer = db_migrate("--format", "json", "check")
    assert (answer.code, answer.json["ok"], answer.json["drift"]) == (0, True, [])


def test_check_names_drift_invalid_indexes_and_pending_revisions(
    db_migrate: Run, database: str, history: Path
) -> None:
    db_migrate("deploy")
    query(database, "ALTER TABLE t2 ADD by_hand text")
    query(database, "CREATE INDEX broken ON t1 (id)")
    query(database, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass")
    add_table(history, 4)
    answer = db_migrate("--format", "json", "check")
    assert answer.code == answer.json["error"]["exit_code"] == 3
    assert any("by_hand" in line for line in answer.json["drift"])
    assert answer.json["invalid_indexes"] == ["public.broken"] and answer.json["pending"] == ["0004"]


def test_check_tells_programs_what_changed_and_notes_what_is_the_administrators(
    db_migrate: Run, database: str
) -> None:
    db_migrate("deploy")
    query(database, "GRANT SELECT ON t2 TO pg_monitor")
    noted = db_migrate("--format", "json", "check")
    assert (noted.code, noted.json["drift"], noted.json["drift_changes"]) == (0, [], [])
    assert noted.json["notes"] == ["~ table public.t2", "+   grant to pg_monitor: SELECT"]
    query(database, "ALTER TABLE t2 ADD by_hand text")
    (change,) = db_migrate("--format", "json", "check").json["drift_changes"]
    assert (change["mark"], change["kind"], change["name"]) == ("~", "table", "public.t2")
    assert [detail["name"] for detail in change["details"]] == ["by_hand"]


def test_check_compares_with_a_rehearsal_where_plain_alembic_was_before(
    db_migrate: Run, database: str
) -> None:
    db_migrate("deploy")
    query(database, "DROP SCHEMA dbmigrate CASCADE")
    query(database, "DROP TABLE t2")
    answer = db_migrate("--format", "json", "check")
    assert answer.code == 3
    assert any("public.t2" in line for line in answer.json["drift"])


def test_a_drifted_database_is_refused_with_its_differences(
    db_migrate: Run, database: str, history: Path
) -> None:
    db_migrate("deploy")
    query(database, "ALTER TABLE t2 ADD by_hand text")
    add_table(history, 4)
    answer = db_migrate("deploy")
    assert answer.code == 3 and "by_hand" in answer.err
    assert "t4" not in tables(database)


def test_validate_shows_what_is_pending_and_what_it_does(
    db_migrate: Run, history: Path, database: str
) -> None:
    db_migrate("deploy")
    add_table(history, 4)
    report = db_migrate("--format", "json", "validate").json
    assert [step["revision"] for step in report["revisions"]] == ["0004"]
    assert report["rehearsed"] == 1 and report["reversible"] is True
    everything = db_migrate("--format", "json", "validate", "--from", "base").json
    assert [step["revision"] for step in everything["revisions"]] == ["0001", "0002", "0003", "0004"]
    assert everything["bundle"].startswith("sha256:") and report["bundle"] is None
    assert tables(database) == {"t1", "t2", "t3"}


def test_validate_without_any_database_shows_everything(history: Path) -> None:
    answer = run("--database", "postgresql://nobody@127.0.0.1:1/none", "validate")
    assert answer.code == 0 and "Going on without the database." in answer.err
    assert "3 revisions, from base to 0003" in answer.out


def test_validate_on_a_given_scratch_leaves_it_empty(
    db_migrate: Run, postgres: EmbeddedPostgres, database: str
) -> None:
    scratch = postgres.create_database("scratch_of_the_test")
    assert db_migrate("validate", "--scratch", scratch).code == 0
    assert tables(scratch) == set()
    query(scratch, "CREATE TABLE mine (id int)")
    refused = db_migrate("validate", "--scratch", scratch)
    assert refused.code == 3 and "is not empty" in refused.err
    assert tables(scratch) == {"mine"}
    postgres.drop_database("scratch_of_the_test")


def test_validate_refuses_what_does_not_run(db_migrate: Run, history: Path) -> None:
    write_revision(history, "0004", "0003", 'op.execute("ALTER TABLE nowhere ADD x int")')
    answer = db_migrate("--format", "json", "validate")
    assert answer.code == 3 and answer.json["error"]["name"] == "RehearsalFailed"
    assert "0004_step.py" in answer.err and "nowhere" in answer.err


def test_validate_says_that_a_way_back_is_broken(db_migrate: Run, history: Path) -> None:
    write_revision(history, "0004", "0003", 'op.execute("CREATE TABLE kept (id int)")')
    answer = db_migrate("validate")
    assert answer.code == 0 and "not reversible" in answer.out


@pytest.mark.parametrize("command", ["deploy", "status"])
def test_a_laptop_needs_no_server(history: Path, command: str, folder: Path) -> None:
    answer = run(command)
    assert answer.code == 0
    assert answer.err.startswith("No --database: using the PostgreSQL of .dbmigrate/postgres")
    assert (folder / ".dbmigrate").is_dir()


def test_smoke_queries_are_asked_after_each_way(db_migrate: Run, history: Path) -> None:
    (history / "smoke.sql").write_text(
        "-- dbmigrate: since 0002\nSELECT count(*) = 0 FROM t2;\nSELECT id FROM t1;"
    )
    failed = db_migrate("deploy")
    assert failed.code == 4 and "smoke query 2 (SELECT id FROM t1) returns no row" in failed.err
    (history / "smoke.sql").write_text("-- dbmigrate: since 0002\nSELECT count(*) = 0 FROM t2;\nSELECT 1;")
    back = db_migrate("rollback", "--to", "0001")
    assert back.code == 0 and "1 smoke query answered." in back.err
    assert "2 smoke queries answered." in db_migrate("deploy").err
