"""Whatever a person or CI hands in: a message that says where, why and what next, and the documented code."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.cases import add_table, make_history, query, run, tables, write_revision
from tests.cli.conftest import Run

from dbmigrate_local.embedded import EmbeddedPostgres

SECRET = "s3cr3t-p4ss"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "frobnicate"),
        (["--environment", "qa", "status"], "'qa' is not one of"),
        (["--format", "xml", "status"], "'xml' is not one of"),
        (["--migrations", "nowhere", "status"], "no Alembic script location"),
        (["--database", "mysql://h/x", "status"], "not with postgresql://"),
        (["--database", "postgresql://[bad", "status"], "cannot be read"),
        (["--database", "postgresql://h:port/x", "status"], "port"),
        (["--database", "postgresql://127.0.0.1:1/x", "status"], "No PostgreSQL answers at 127.0.0.1:1"),
        (["rollback", "--steps", "0"], "0 is not in the range"),
        (["rollback", "--steps", "1", "--to", "base"], "exclude each other"),
        (["rollback", "--run", "x"], "staging and production"),
        (["--environment", "staging", "rollback"], "left anything to undo"),
        (["--environment", "staging", "rollback", "--steps", "1"], "--run RUN"),
        (["--environment", "staging", "rollback", "--run", "x", "--to", "y"], "exclude each other"),
        (["validate", "--from", "0099"], "'0099' is not in migrations"),
        (["deploy", "surplus"], "surplus"),
        (["deploy", "--terminate-blockers"], "or add --local"),
        (["status", "--format", "json"], "next: it stands before the command: db-migrate --format … status"),
        (["--environment", "staging", "runs", "--local", "--close", "x"], "--local only lists them"),
    ],
)
def test_usage_ends_with_2_and_says_what_to_type(arguments: list[str], said: str, db_migrate: Run) -> None:
    answer = db_migrate(*arguments)
    assert answer.code == 2
    assert said in answer.err and "next: " in answer.err and "Traceback" not in answer.err


def test_errors_are_json_too(db_migrate: Run) -> None:
    error = db_migrate("--format", "json", "--environment", "qa", "status").json["error"]
    assert (error["name"], error["exit_code"]) == ("Usage", 2) and "qa" in error["message"] and error["next"]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_reset_is_refused_outside_of_development(environment: str, db_migrate: Run, database: str) -> None:
    answer = db_migrate("--environment", environment, "reset", "--yes")
    assert answer.code == 3 and f"{environment} is never reset" in answer.err


def test_a_force_without_a_reason_is_refused_at_once(db_migrate: Run) -> None:
    answer = db_migrate("--environment", "staging", "deploy", "--force")
    assert answer.code == 3 and "--reason" in answer.err


def test_sessions_are_not_ended_without_an_approval(db_migrate: Run) -> None:
    forced = ("--force", "--reason", "now", "--terminate-blockers")
    answer = db_migrate("--environment", "staging", "deploy", *forced)
    assert answer.code == 3 and "only with an approval" in answer.err


@pytest.mark.parametrize("command", ["deploy", "status", "check", "validate"])
def test_several_heads(command: str, db_migrate: Run, history: Path, database: str) -> None:
    write_revision(history, "0003b", "0002", "pass")
    answer = db_migrate(command)
    assert answer.code == 3 and "2 heads: 0003, 0003b" in answer.err and "alembic merge" in answer.err
    assert tables(database) == set()


def test_an_edited_revision(db_migrate: Run, history: Path) -> None:
    db_migrate("deploy")
    file = history / "versions/0002_step.py"
    file.write_text(file.read_text() + "\n# edited\n")
    add_table(history, 4)
    for command in ("deploy", "validate", "check"):
        answer = db_migrate(command)
        assert answer.code == 3, command
        assert "0002" in answer.out + answer.err and "edited" in answer.out + answer.err


@pytest.mark.parametrize("command", ["status", "deploy", "check", "validate", "rollback"])
def test_an_unknown_current_revision(command: str, db_migrate: Run, database: str) -> None:
    query(database, "CREATE TABLE alembic_version (version_num text)")
    query(database, "INSERT INTO alembic_version VALUES ('stranger')")
    answer = db_migrate(command)
    assert answer.code == 3 and "'stranger', which is not in migrations" in answer.err


@pytest.mark.parametrize("arguments", [["status"], ["deploy"], ["reset", "--yes"], ["check"], ["runs"]])
def test_another_environments_database(arguments: list[str], db_migrate: Run, database: str) -> None:
    db_migrate("deploy")
    query(database, "UPDATE dbmigrate.environment SET name = 'production'")
    answer = db_migrate(*arguments)
    assert answer.code == 3 and "belongs to production" in answer.err
    assert tables(database) == {"t1", "t2", "t3"}


def test_a_file_that_is_no_python(db_migrate: Run, history: Path) -> None:
    (history / "versions/0004_broken.py").write_text("revision = '0004'\ndef upgrade(:\n")
    answer = db_migrate("deploy")
    assert answer.code == 3 and "0004_broken.py, line 2" in answer.err


def test_a_revision_that_raises_leaves_the_ones_before_it(
    db_migrate: Run, history: Path, database: str
) -> None:
    write_revision(
        history, "0004", "0003", 'op.execute("CREATE TABLE half (id int)"); raise ValueError("no luck")'
    )
    answer = db_migrate("--format", "json", "deploy")
    assert answer.code == 1 and answer.json["error"]["name"] == "RevisionFailed"
    assert "0004_step.py" in answer.err and "no luck" in answer.err and "Traceback" not in answer.err
    assert tables(database) == {"t1", "t2", "t3"}


def test_an_sql_error_is_shown_in_postgresqls_words(db_migrate: Run, history: Path) -> None:
    write_revision(history, "0004", "0003", 'op.execute("ALTER TABLE nowhere ADD x int")')
    answer = db_migrate("deploy")
    assert answer.code == 1 and 'relation "nowhere" does not exist' in answer.err


def test_half_a_revision_needs_a_person_and_status_says_so(db_migrate: Run, history: Path) -> None:
    inside = 'op.execute("CREATE TABLE out_of_it (id int)"); op.execute("nonsense")'
    concurrently = f"with op.get_context().autocommit_block(): {inside}"
    write_revision(history, "0004", "0003", concurrently)
    answer = db_migrate("deploy")
    assert answer.code == 4 and "next: " in answer.err
    status = db_migrate("status")
    assert "drift        none\n" in status.out and "0004" in status.out
    assert "committed: CREATE TABLE out_of_it (id int)" in status.out
    assert "deploy goes on where it stopped" in status.err


def test_what_half_a_revision_left_is_no_drift_and_hides_none(
    db_migrate: Run, history: Path, database: str
) -> None:
    assert db_migrate("deploy").code == 0
    inside = 'op.execute("CREATE TABLE out_of_it (id int)"); op.execute("nonsense")'
    write_revision(history, "0004", "0003", f"with op.get_context().autocommit_block(): {inside}")
    assert db_migrate("deploy").code == 4
    query(database, "CREATE TABLE by_hand (id int)")
    report = db_migrate("--format", "json", "status").json
    assert report["drift_differences"] == ["table public.by_hand is in no revision"]
    assert report["unfinished_differences"] == ["table public.out_of_it is in no revision"]
    status = db_migrate("status")
    assert "so far       table public.out_of_it is in no revision" in status.out
    assert status.err.startswith("next: undo the change by hand")


def test_aws_that_cannot_be_asked_is_no_bug(history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    answer = run("--environment", "staging", "runs")
    assert answer.code == 2 and "AWS cannot be reached for staging" in answer.err


def test_the_ledger_tells_the_runs_where_no_stack_can(
    history: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    answer = run("--environment", "staging", "--database", database, "runs")
    assert (answer.code, answer.out) == (0, "No run yet.\n")


def test_debug_shows_the_traceback(db_migrate: Run, history: Path) -> None:
    write_revision(history, "0004", "0003", 'raise ValueError("no luck")')
    assert "Traceback" in db_migrate("--debug", "deploy").err


def test_what_nobody_expected_is_one_line(db_migrate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(options: object) -> None:
        raise LookupError("of all things")

    monkeypatch.setattr("dbmigrate_cli.commands.status.history_of", broken)
    answer = db_migrate("status")
    assert (answer.code, answer.err.count("\n")) == (1, 2)
    assert "LookupError: of all things" in answer.err and "--debug" in answer.err


@pytest.fixture
def locked(postgres: EmbeddedPostgres, database: str) -> str:
    """The address of the test's database for a role that needs its password."""
    rules = postgres.data / "pg_hba.conf"
    open_rules = rules.read_text()
    if "locked" not in open_rules:
        rules.write_text("host all locked all scram-sha-256\n" + open_rules)
    if not postgres.execute("SELECT 1 FROM pg_roles WHERE rolname = 'locked'"):
        postgres.execute(f"CREATE ROLE locked SUPERUSER LOGIN PASSWORD '{SECRET}'")
    postgres.execute("SELECT pg_reload_conf()")
    return database.replace("postgres@", f"locked:{SECRET}@")


@pytest.mark.parametrize("flags", [[], ["--debug"], ["--format", "json"]])
def test_a_wrong_password_is_never_printed(locked: str, history: Path, flags: list[str]) -> None:
    wrong = locked.replace(SECRET, SECRET + "%21wrong")
    answer = run(*flags, "--database", wrong, "status")
    assert answer.code == 2 and "refused the login" in answer.err
    assert SECRET not in answer.out + answer.err
    assert run("--database", locked, "deploy").code == 0


def test_the_password_stays_out_of_every_command(locked: str, history: Path) -> None:
    for arguments in (
        ["deploy"],
        ["status"],
        ["check"],
        ["runs"],
        ["rollback"],
        ["validate"],
        ["reset", "--yes"],
    ):
        answer = run("--debug", "--database", locked, *arguments)
        assert answer.code in (0, 3) and SECRET not in answer.out + answer.err, arguments


def test_revisions_run_whatever_env_py_does(folder: Path, database: str) -> None:
    other = make_history(folder / "elsewhere")
    assert run("--migrations", str(other), "--database", database, "deploy").code == 0
