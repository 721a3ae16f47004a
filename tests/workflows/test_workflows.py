"""What a workflow may do, asserted on its file: no run shows what it could have done."""

from __future__ import annotations

import re
from typing import Any

import click
import pytest
from tests.workflows.ci import (
    ROOT,
    WORKFLOWS,
    Job,
    all_jobs,
    commands,
    github_jobs,
    given_variables,
    job,
    loaded,
    triggers,
)

from dbmigrate_cli.main import COMMANDS, Commands, cli
from dbmigrate_cli.options import Options

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
WRITES = {
    "migrations.yml:sizes": {"id-token"},
    "migrations.yml:report": {"pull-requests", "security-events"},
    "migrations.yml:staging": {"id-token"},
    "deploy.yml:deploy": {"id-token"},
    "production.yml:production": {"id-token"},
}
JOBS = pytest.mark.parametrize("job", github_jobs(), ids=lambda job: job.label)
FILES = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


@JOBS
def test_foreign_actions_are_pinned_and_say_their_version(job: Job) -> None:
    text = (ROOT / ".github/workflows" / job.file).read_text()
    for step in job.steps:
        if "uses" in step:
            assert PINNED.fullmatch(step["uses"]), step["uses"]
            assert re.search(re.escape(step["uses"]) + r" # v\d+\.\d+\.\d+\n", text), step["uses"]


def test_an_action_has_one_version_everywhere() -> None:
    used = {step["uses"] for job in github_jobs() for step in job.steps if "uses" in step}
    assert len({action.partition("@")[0] for action in used}) == len(used)


@FILES
def test_nothing_is_permitted_unless_a_job_asks(path: Any) -> None:
    assert loaded(path)["permissions"] == {}


@JOBS
def test_a_job_may_write_only_what_it_is_there_for(job: Job) -> None:
    asked = job.content["permissions"]
    assert set(asked.values()) <= {"read", "write"}
    assert {name for name, access in asked.items() if access == "write"} == WRITES.get(job.label, set())


@JOBS
def test_no_text_of_a_person_reaches_a_shell(job: Job) -> None:
    """An expression in a script is pasted before the shell reads it, a branch's name included."""
    for shell in job.runs:
        assert "${{" not in shell


@JOBS
def test_no_token_stays_behind_in_the_checkout(job: Job) -> None:
    for step in job.steps:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@FILES
def test_a_forks_code_never_meets_a_secret(path: Any) -> None:
    assert not {"pull_request_target", "workflow_run"} & triggers(loaded(path)).keys()
    assert "secrets." not in path.read_text() and "inherit" not in path.read_text()


def test_the_job_that_runs_a_pull_requests_code_holds_no_role() -> None:
    validate = job("migrations.yml", "validate")
    assert validate.content["permissions"] == {"contents": "read"}
    assert not any("credentials" in step.get("uses", "") for step in validate.steps)


@pytest.mark.parametrize("name", ["sizes", "report"])
def test_what_holds_rights_runs_no_code_of_a_pull_request(name: str) -> None:
    held = job("migrations.yml", name)
    ours = [shell for shell in held.runs if "bin/" in shell or "make" in shell]
    checkout = next(step for step in held.steps if "actions/checkout@" in step.get("uses", ""))
    merged = "base.sha" in checkout["with"].get("ref", "")
    assert merged or not ours


@pytest.mark.parametrize("name", ["sizes", "report"])
def test_a_fork_is_asked_for_no_rights_that_it_has_not(name: str) -> None:
    condition = job("migrations.yml", name).content["if"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in condition


def test_pull_request_queue_and_main_are_judged_by_the_same_job() -> None:
    events = triggers(loaded(ROOT / ".github/workflows/migrations.yml"))
    assert events.keys() == {"pull_request", "merge_group", "push"}
    assert events["push"] == {"branches": ["main"]}
    # A required check that is skipped by its path keeps a merge queue waiting for ever.
    assert events["pull_request"] is None and events["merge_group"] is None
    assert "event_name" not in str(job("migrations.yml", "validate").content["if"])


def test_the_merge_base_is_in_the_clone() -> None:
    checkout = job("migrations.yml", "validate").steps[0]
    assert checkout["with"]["fetch-depth"] == 0
    assert "ref" not in checkout["with"], "the default is the merge result"


def test_only_an_older_run_of_the_same_pull_request_is_cancelled() -> None:
    concurrency = loaded(ROOT / ".github/workflows/migrations.yml")["concurrency"]
    assert concurrency["group"].endswith("${{ github.event.pull_request.number || github.run_id }}")
    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_deployments_to_one_environment_wait_for_each_other() -> None:
    deploy = job("deploy.yml", "deploy").content
    assert deploy["environment"] == "${{ inputs.environment }}"
    assert deploy["concurrency"] == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}


def test_staging_waits_for_the_verdict_and_production_for_a_person() -> None:
    staging = job("migrations.yml", "staging").content
    assert (staging["needs"], staging["if"]) == ("validate", "github.event_name == 'push'")
    assert triggers(loaded(ROOT / ".github/workflows/production.yml")).keys() == {"workflow_dispatch"}
    assert job("production.yml", "production").content["if"] == "github.ref == 'refs/heads/main'"


def test_nothing_that_a_pull_request_cached_reaches_a_database() -> None:
    assert not any("actions/cache@" in step.get("uses", "") for step in job("deploy.yml", "deploy").steps)


def test_every_command_is_one_that_this_version_has() -> None:
    called = [
        words for job in all_jobs() for shell in job.runs for words in commands(shell, "bin/db-migrate")
    ]
    assert {name for words in called for name in words if name in COMMANDS} == {"validate", "sizes", "deploy"}
    for words in called:
        parsed(words)


def parsed(words: list[str]) -> click.Context:
    """A call as click understands it, short of doing it. Raises click.ClickException."""
    group = cli.make_context("db-migrate", list(words), obj=Options())
    assert isinstance(cli, Commands)
    name, command, rest = cli.resolve_command(group, [*group._protected_args, *group.args])
    assert command is not None and name is not None
    return command.make_context(name, rest, parent=group)


def test_an_unknown_option_would_be_seen() -> None:
    with pytest.raises(click.NoSuchOption):
        parsed(["validate", "--no-such-option"])


def test_every_variable_is_one_that_this_version_reads() -> None:
    known: set[str] = set()
    for command in (cli, *(cli.get_command(click.Context(cli), name) for name in COMMANDS)):
        assert command is not None
        for option in command.params:
            known.update([option.envvar] if isinstance(option.envvar, str) else option.envvar or ())
    assert given_variables() <= known


def test_every_make_target_is_there() -> None:
    asked = {
        word
        for job in all_jobs()
        for shell in job.runs
        for words in commands(shell, "make")
        for word in words
    }
    makefile = (ROOT / "Makefile").read_text()
    assert asked
    assert {target for target in asked if not re.search(rf"^{re.escape(target)}:", makefile, re.M)} == set()
