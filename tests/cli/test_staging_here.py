"""Staging and production by `--local`: the code path of AWS on the stand-in, approved on the real page."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from tests.cli.cases import Answer, add_table, run, tables, write_revision

from dbmigrate_cli import deploy_there, local
from dbmigrate_cli.stack import Stack

Decide = Callable[[str], None]


@pytest.fixture
def decide(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decide]:
    """Decides on the page, in another thread, about every approval that is asked for."""
    stack = local.LocalStack
    threads: list[threading.Thread] = []

    def deciding(word: str) -> None:
        class Watched(stack):
            def links(self) -> list[str]:
                found = super().links()
                threads.append(threading.Thread(target=answer_page, args=(found[-1].split()[-1], word)))
                threads[-1].start()
                return found

        monkeypatch.setattr(local, "LocalStack", Watched)

    yield deciding
    for thread in threads:
        thread.join(30)


def answer_page(link: str, word: str) -> None:
    with urlopen(link, timeout=30) as page:
        code = re.search(r">([A-Z2-9]{6})</span>", page.read().decode())
    assert code
    form = urlencode({"decision": word, "code": code[1], "comment": "seen"}).encode()
    with urlopen(Request(link, data=form, method="POST"), timeout=30) as answer:
        answer.read()


def staging(*arguments: str) -> Answer:
    return run("--environment", "staging", *arguments)


def test_the_way_through_staging_to_production(decide: Decide, history: Path) -> None:
    decide("approve")
    early = run("--environment", "production", "deploy", "--local")
    assert early.code == 3 and "succeeded in staging" in early.err

    done = staging("--format", "json", "deploy", "--local", "--requested-by", "dev@example.com")
    assert done.code == 0, done.err
    assert done.json["outcome"] == "Succeeded" and done.json["revisions"] == ["0001", "0002", "0003"]
    assert done.json["approved_by"] == "approver@example.com" and done.json["backup"]
    for part in (
        "Validate",
        "snapshot",
        "e-mailed to approver@example.com",
        "approved by",
        "3/3  0003",
        "as rehearsed",
    ):
        assert part in done.err

    assert "Nothing to do." in staging("deploy", "--local").out
    assert run("--environment", "production", "deploy", "--local").code == 0
    status = staging("--format", "json", "status", "--local").json
    assert (status["environment"], status["current"], status["pending"]) == ("staging", "0003", [])
    assert staging("check", "--local").code == 0 and done.json["run"] in staging("runs", "--local").out
    undone = staging("rollback", "--local", "--run", done.json["run"])
    assert undone.code == 0 and "Started run staging-rollback-" in undone.out


def test_back_to_a_revision_over_several_runs(decide: Decide, history: Path) -> None:
    decide("approve")
    assert staging("deploy", "--local").code == 0
    add_table(history, 4)
    newest = staging("--format", "json", "deploy", "--local").json["run"]
    nobody = staging("rollback", "--local")
    assert nobody.code == 2 and nobody.out.index(newest) < nobody.out.index("rollback --to base")
    assert f"rollback --run {newest} --local" in nobody.out and "0004  Create t4" in nobody.out
    done = staging("--format", "json", "rollback", "--local", "--to", "0001")
    assert done.code == 0, done.err
    assert done.json["revisions"] == ["0004", "0003", "0002"]
    assert staging("--format", "json", "status", "--local").json["current"] == "0001"
    written = staging("rollback", "--local", "--write", "--run", newest)
    assert written.code == 3 and "left nothing standing" in written.err


def test_a_run_is_undone_everywhere_by_the_revision_that_is_written(decide: Decide, history: Path) -> None:
    decide("approve")
    assert staging("deploy", "--local").code == 0
    add_table(history, 4)
    newest = staging("--format", "json", "deploy", "--local").json["run"]
    made = staging("--format", "json", "rollback", "--local", "--write", "--run", newest)
    assert made.code == 0 and made.json["undone"] == ["0004"], made.err
    for environment in ("staging", "production"):
        deployed = run("--environment", environment, "--format", "json", "deploy", "--local")
        assert deployed.code == 0 and deployed.json["revisions"][-1] == "0005", deployed.err


def test_a_backup_that_holds_nothing_is_not_passed_over(decide: Decide, history: Path, database: str) -> None:
    decide("reject")
    foreign = run("--environment", "staging", "--database", database, "deploy", "--local")
    assert "the snapshot of this run holds no data" in foreign.err
    mailbox = Path(".dbmigrate/stand-in/staging/mailbox")
    assert any("holds NO DATA" in mail.read_text() for mail in mailbox.iterdir())


def test_a_rejection_ends_with_3(decide: Decide, history: Path, database: str) -> None:
    decide("reject")
    answer = run("--environment", "staging", "--database", database, "--format", "json", "deploy", "--local")
    assert answer.code == 3 and answer.json["error"]["name"] == "ApprovalRejected"
    assert "approver@example.com: seen" in answer.json["error"]["message"]
    assert tables(database) == set()


def test_a_failure_in_production_prints_the_command_and_ends_with_4(
    decide: Decide, history: Path, database: str, folder: Path
) -> None:
    decide("approve")
    only_here = (
        "op.execute(\"DO $$BEGIN IF current_database() LIKE 'test_%' THEN RAISE 'no luck'; END IF; END$$\")"
    )
    write_revision(history, "0004", "0003", only_here)
    assert staging("deploy", "--local").code == 0
    answer = run("--environment", "production", "--database", database, "deploy", "--local")
    assert answer.code == 4 and "no luck" in answer.err
    assert "next: db-migrate --environment production rollback --run production-" in answer.err
    assert answer.err.rstrip().endswith(" --local")
    assert tables(database) == {"t1", "t2", "t3"}


def test_production_takes_no_force(history: Path) -> None:
    answer = run("--environment", "production", "deploy", "--local", "--force", "--reason", "in a hurry")
    assert answer.code == 3 and "BreakGlass=no" in answer.err


def test_staging_takes_a_force_with_a_reason(history: Path, database: str) -> None:
    answer = run(
        "--environment", "staging", "--database", database, "deploy", "--local", "--force", "--reason", "now"
    )
    assert answer.code == 0 and "everyone was told that the approval is skipped" in answer.out
    assert tables(database) == {"t1", "t2", "t3"}


def test_a_run_that_nobody_knows(history: Path) -> None:
    answer = staging("rollback", "--local", "--run", "staging-nothing")
    assert answer.code == 3 and "no run staging-nothing" in answer.err
    assert "next: db-migrate --environment staging runs --local" in answer.err


def test_another_projects_template_is_not_taken_for_ours(history: Path, folder: Path) -> None:
    (folder / "template.yaml").write_text("Resources: {}\n")
    assert local.template_file() != folder / "template.yaml"


def test_status_check_and_runs_ask_the_stack(
    history: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_the_stand_in(options: object, name: str | None) -> Stack:
        return stacks[-1]

    stacks: list[Stack] = []
    monkeypatch.setattr("dbmigrate_cli.asked.open_stack", on_the_stand_in)
    monkeypatch.setattr("dbmigrate_cli.stack.open_stack", on_the_stand_in)
    options = deploy_there.Options(environment="staging", url=database)
    with local.local_stack(options, real_time=False) as stack:
        stacks.append(stack)
        report = staging("--format", "json", "status").json
        assert (report["current"], report["head"], report["pending"]) == (
            "base",
            "0003",
            ["0001", "0002", "0003"],
        )
        assert staging("check").code == 3
        assert staging("runs").out == "No run yet.\n"


def test_a_drill_restores_what_is_here_and_rehearses_this_checkout(decide: Decide, history: Path) -> None:
    decide("approve")
    assert staging("deploy", "--local").code == 0
    add_table(history, 4)
    done = staging("--format", "json", "drill", "--local", "--bundle", "--requested-by", "dev@example.com")
    assert done.code == 0, done.err
    assert done.json["outcome"] == "DrillPassed" and done.json["drill"].startswith("staging-drill-")
    assert [one["revision"] for one in done.json["revisions"]] == ["0004"] and done.json["rto"]["total"] > 0
    for part in ("one is taken now", "the copy is whole", "1/1  0004 in", "is deleted"):
        assert part in done.err
    assert staging("--format", "json", "status", "--local").json["current"] == "0003"
    told = staging("drill", "--local")
    assert told.code == 0 and "RTO" in told.out and "nothing is pending on the copy" in told.out
