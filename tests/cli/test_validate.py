"""validate: which revisions it judges, what it reports, and how it exits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.cases import Answer, add_table, run, write_revision
from tests.cli.conftest import Git, Run

from dbmigrate_local.embedded import EmbeddedPostgres

INDEX = 'op.create_index("i4", "t1", ["id"])'
NO_INDEX = 'op.drop_index("i4")'
LARGE = {"public.t1": {"rows": 120_000_000, "bytes": 40_000_000_000}}
SMALL = {"public.t1": {"rows": 10, "bytes": 8192}}
FINDING_KEYS = [
    "rule", "revision", "severity", "message", "instead", "statement", "relation", "lock", "blocks",
    "rewrites", "scans", "seconds_low", "seconds_high", "suppressed_because",
]  # fmt: skip


@pytest.fixture(autouse=True)
def scratch(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The session's server to rehearse on: it is started already."""
    monkeypatch.setenv("DB_MIGRATE_SCRATCH", postgres.create_database("scratch_of_validate"))
    yield
    postgres.drop_database("scratch_of_validate")


def add_index(history: Path, comment: str = "") -> Path:
    """A fourth revision, which stops the writers of a table that is there."""
    return write_revision(history, "0004", "0003", INDEX + comment, NO_INDEX)


def judged(answer: Answer) -> list[str]:
    return [step["revision"] for step in answer.json["revisions"]]


def rules(answer: Answer) -> dict[str, Any]:
    return {finding["rule"]: finding for finding in answer.json["findings"]}


def validate(*arguments: str) -> Answer:
    return run("--format", "json", "validate", *arguments)


def test_a_pull_request_is_judged_by_what_it_brings(git: Git, history: Path) -> None:
    add_index(history)
    answer = validate()
    assert (answer.code, answer.json["verdict"]) == (3, "block")
    assert judged(answer) == ["0004"] and answer.json["judged"].startswith("what main (")
    found = rules(answer)["DM104"]
    assert sorted(found) == sorted(FINDING_KEYS)
    assert (found["severity"], found["statement"], found["relation"]) == ("block", 1, "public.t1")
    assert (found["lock"], found["blocks"]) == ("SHARE", "inserts, updates and deletes")
    assert 'op.create_index_concurrently("i4", "t1", ["id"])' in found["instead"]


def test_a_revision_tells_everything_that_was_seen_of_it(git: Git, history: Path) -> None:
    add_index(history)
    (step,) = validate().json["revisions"]
    assert (step["reversible"], step["lossless"], step["phase"]) == (True, True, "expand")
    assert step["fingerprint_before"] != step["fingerprint_after"]
    (statement,) = step["statements"]
    assert statement["sql"].startswith("CREATE INDEX i4") and statement["builds"]
    assert statement["locks"] == [{"relation": "public.t1", "mode": "SHARE"}]
    assert any("i4" in str(line) for line in validate().json["diff"])


def test_fingerprints_join_from_one_revision_to_the_next(history: Path) -> None:
    steps = validate("--from", "base").json["revisions"]
    befores = [step["fingerprint_before"] for step in steps]
    assert befores[1:] == [step["fingerprint_after"] for step in steps][:-1] and len(set(befores)) == 3


def test_from_and_against_choose_others(git: Git, history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_table(history, 4)
    git("branch", "release")
    git("add", ".")
    git("commit", "-q", "-m", "a fourth")
    assert judged(validate("--from", "0002")) == ["0003", "0004"]
    assert judged(validate("--from", "base")) == ["0001", "0002", "0003", "0004"]
    assert judged(validate("--against", "feature")) == []
    assert judged(validate("--against", "release")) == ["0004"]
    both = validate("--against", "release", "--from", "base")
    assert both.code == 2 and "exclude each other" in both.err
    monkeypatch.setenv("DB_MIGRATE_AGAINST", "feature")
    assert judged(validate()) == [] and judged(validate("--from", "0003")) == ["0004"]


def test_without_git_or_a_database_everything_is_judged(history: Path) -> None:
    answer = validate()
    assert answer.code == 0 and judged(answer) == ["0001", "0002", "0003"]


def test_a_database_is_judged_by_what_it_has_not(git: Git, history: Path, db_migrate: Run) -> None:
    db_migrate("deploy")
    add_table(history, 4)
    git("add", ".")
    git("commit", "-q", "-m", "a fourth")
    git("checkout", "-q", "-B", "main")
    answer = db_migrate("--format", "json", "validate")
    assert judged(answer) == ["0004"] and answer.json["judged"] == "what the database at 0003 has not"


def test_a_development_database_counts_when_something_was_applied_to_it(git: Git, history: Path) -> None:
    add_index(history)
    assert judged(validate()) == ["0004"]
    (history / "versions/0004_step.py").unlink()
    assert run("deploy").code == 0
    add_index(history)
    answer = validate("--stats", str(stats(history, SMALL)))
    assert answer.json["judged"] == "what the development database at 0003 has not"
    assert judged(answer) == ["0004"] and answer.json["verdict"] == "pass"
    assert "unknown" in validate().json["sizes"], "a development table is not as large as production's"


def test_a_merged_revision_that_was_edited_or_deleted_blocks(git: Git, history: Path) -> None:
    file = history / "versions/0002_step.py"
    file.write_text(file.read_text() + "\n# edited\n")
    (history / "versions/0003_step.py").unlink()
    answer = validate()
    assert answer.code == 3 and [*rules(answer)] == ["history/edited", "history/deleted"]
    assert "git restore" in run("validate").out


def stats(history: Path, values: dict[str, Any]) -> Path:
    path = history.parent / "stats.json"
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize(
    ("sizes", "severity", "code"), [(None, "block", 3), (LARGE, "block", 3), (SMALL, "note", 0)]
)
def test_sizes_make_a_finding_severe(
    git: Git, history: Path, sizes: dict[str, Any] | None, severity: str, code: int
) -> None:
    add_index(history)
    answer = validate(*(("--stats", str(stats(history, sizes))) if sizes else ()))
    assert (answer.code, rules(answer)["DM104"]["severity"]) == (code, severity)
    assert answer.json["sizes"] == "those of stats.json" if sizes else "unknown" in answer.json["sizes"]
    if sizes is LARGE:
        found = rules(answer)["DM104"]
        assert 10 < found["seconds_low"] < found["seconds_high"]


def test_a_stats_file_that_is_none_is_named(git: Git, history: Path) -> None:
    for values, said in (({"t1": {}}, "'t1' has no schema"), ([], "an object of tables")):
        answer = validate("--stats", str(stats(history, values)))  # type: ignore[arg-type]
        assert answer.code == 2 and said in answer.err and "stats.json" in answer.err
    assert validate("--stats", "nowhere.json").code == 2


def test_strict_refuses_what_is_to_be_reviewed(git: Git, history: Path) -> None:
    write_revision(history, "0004", "0003", 'op.execute("CREATE TABLE t4 (id bigint PRIMARY KEY)")')
    assert (validate().code, validate().json["verdict"]) == (0, "review")
    strict = validate("--strict")
    assert strict.code == 3 and strict.json["error"]["name"] == "FindingsBlock"
    (history / "versions/0004_step.py").unlink()
    assert validate("--strict").code == 0


def test_a_reasoned_suppression_lets_a_finding_pass_in_the_open(git: Git, history: Path) -> None:
    add_index(history, "  # dbmigrate: allow DM104 because the shop is closed at night")
    answer = validate()
    assert (answer.code, answer.json["verdict"]) == (0, "pass")
    assert rules(answer)["DM104"]["suppressed_because"] == "the shop is closed at night"
    assert "Let pass\n  DM104 in 0004: the shop is closed at night" in run("validate").out


def test_a_suppression_without_a_reason_lets_nothing_pass(git: Git, history: Path) -> None:
    add_index(history, "  # dbmigrate: allow DM104")
    answer = validate()
    assert answer.code == 3 and rules(answer)["DM104"]["suppressed_because"] is None
    assert "line 14" in rules(answer)["DM167"]["message"]


def test_a_suppression_that_meets_nothing_is_told(git: Git, history: Path) -> None:
    comment = "  # dbmigrate: allow DM101, squawk/ban-char-field because it was there"
    write_revision(history, "0004", "0003", "pass" + comment)
    messages = [found["message"] for found in validate().json["findings"] if found["rule"] == "DM167"]
    assert len(messages) == 2 and "DM101" in messages[0] and "squawk/ban-char-field" in messages[1]


def test_squawk_adds_what_the_text_shows_and_its_absence_is_told(
    git: Git, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = "CREATE DOMAIN positive AS int CHECK (VALUE > 0)"
    write_revision(history, "0004", "0003", f'op.execute("{domain}")', 'op.execute("DROP DOMAIN positive")')
    with_it = validate()
    assert rules(with_it)["squawk/ban-create-domain-with-constraint"]["statement"] == 1
    monkeypatch.setenv("DB_MIGRATE_SQUAWK", "nowhere/squawk")
    broken = validate()
    assert rules(broken).keys() == rules(with_it).keys() - {"squawk/ban-create-domain-with-constraint"}
    assert "Nothing has read the SQL's text" in broken.json["notes"][0]
    monkeypatch.delenv("DB_MIGRATE_SQUAWK")
    monkeypatch.setattr("dbmigrate_cli.text_lint.shutil.which", lambda *place, **path: None)
    assert validate().json["notes"][0].startswith("squawk is not installed")
    assert "squawk is not installed" in run("validate").err


@pytest.mark.parametrize("command", ["status", "deploy", "check", "runs"])
@pytest.mark.parametrize("format", ["markdown", "sarif"])
def test_other_commands_have_no_reports(history: Path, command: str, format: str) -> None:
    answer = run("--format", format, command)
    assert answer.code == 2 and f"--format {format} is a report of validate" in answer.err
    assert answer.out == ""


def test_stdout_is_the_document_and_nothing_else(git: Git, history: Path) -> None:
    add_index(history)
    markdown = run("--format", "markdown", "validate")
    assert markdown.code == 3 and markdown.out.startswith("<!-- db-migrate -->\n### db-migrate: blocked\n")
    sarif = run("--format", "sarif", "validate")
    (result, *_) = [each for each in sarif.json["runs"][0]["results"] if each["ruleId"] == "DM104"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "migrations/versions/0004_step.py"
    assert place["region"]["startLine"] == 14
    assert "error: 1 finding must not reach production" in markdown.err and sarif.code == 3


def test_a_revision_that_does_not_run_still_makes_a_document(git: Git, history: Path) -> None:
    write_revision(history, "0004", "0003", 'op.execute("ALTER TABLE nowhere ADD x int")')
    answer = validate()
    assert (answer.code, answer.json["verdict"], answer.json["findings"]) == (3, "block", [])
    assert "nowhere" in answer.json["error"]["message"]
    markdown = run("--format", "markdown", "validate")
    assert markdown.code == 3 and "### db-migrate: refused" in markdown.out and "nowhere" in markdown.out
    (said,) = run("--format", "sarif", "validate").json["runs"][0]["invocations"]
    assert said["executionSuccessful"] is False
    assert "nowhere" in said["toolExecutionNotifications"][0]["message"]["text"]


def test_it_works_from_a_folder_below(git: Git, history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_index(history)
    below = history.parent / "deep/below"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    answer = run("--format", "sarif", "--migrations", "../../migrations", "validate")
    (result, *_) = [each for each in answer.json["runs"][0]["results"] if each["ruleId"] == "DM104"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "migrations/versions/0004_step.py", "from the repository's top, wherever one stands"
