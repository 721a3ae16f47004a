"""What `db-migrate recover` asks for and refuses, and how it and `status` say where a recovery is."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cli.cases import run
from tests.cli.test_stack import FakeFormation, FakeLambda, FakeStates

from dbmigrate.domain.recovery import Record, RecoveryPlan
from dbmigrate_cli.outcomes import EXIT_CODES, SAID
from dbmigrate_cli.recovering import request_of
from dbmigrate_cli.stack import Stack

RUN = {"run": "staging-abc", "started_at": "2026-11-29T03:12:44+00:00"}
RECOVERY = "staging-recovery-20261129-031244"
PLAN = RecoveryPlan(RECOVERY, "staging", "app", "app-r-1", "app-before-1", time="2026-11-29T03:12:44Z")


class Formation(FakeFormation):
    """With the outputs that a recovery needs."""

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        answer = super().describe_stacks(StackName)
        more = {"RecoveryStateMachineArn": "arn:recovery", "BundleBucketName": "bundles"}
        answer["Stacks"][0]["Outputs"] += [{"OutputKey": k, "OutputValue": v} for k, v in more.items()]
        return answer


class Bucket:
    """S3 with the record of one recovery, or with none."""

    def __init__(self, record: Record | None) -> None:
        self.objects: dict[str, Any] = {}
        if record:
            self.objects["recoveries/latest.json"] = {"recovery": record.recovery}
            self.objects[f"recoveries/{record.recovery}.json"] = record.to_json()

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(json.dumps(self.objects[Key]).encode()), "ETag": '"1"'}


def stack(record: Record | None = None, **clients: Any) -> Stack:
    known = {"cloudformation": Formation(), "s3": Bucket(record), "stepfunctions": FakeStates(), **clients}
    return Stack("staging", "db-migrate-staging", known.__getitem__)


def record(phase: str) -> Record:
    return Record(RECOVERY, phase, PLAN.slim(), {"planned": 1_795_000_000.0, phase: 1_795_000_060.0})


@pytest.mark.parametrize("given", [[], ["--to-time", "latest", "--to-snapshot", "s"], ["--reason", "why"]])
def test_exactly_one_place_to_go_back_to_is_named(given: list[str]) -> None:
    answer = run("--environment", "staging", "recover", *given)
    assert answer.code == 2
    for option in ("--to-time", "--to-snapshot", "--before-run", "--resume", "--abandon"):
        assert option in answer.err


def test_development_has_nothing_to_go_back_to() -> None:
    answer = run("recover", "--to-time", "latest")
    assert answer.code == 3 and "no backups" in answer.err and "next: db-migrate reset" in answer.err


@pytest.mark.parametrize("typed", ["", "production\n"])
def test_nothing_is_shut_out_before_its_name_was_typed(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    states = FakeStates()
    monkeypatch.setattr("dbmigrate_cli.recovering.open_stack", lambda *_: stack(stepfunctions=states))
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: typed.strip())
    answer = run("--environment", "staging", "recover", "--to-time", "latest")
    assert answer.code == 3 and "shuts the application of staging out" in answer.err
    assert "Nothing was started" in answer.err and "--yes" in answer.err
    assert states.started == []


def test_a_run_becomes_the_moment_at_which_its_ledger_says_that_it_began() -> None:
    ours = stack(**{"lambda": FakeLambda({"runs": [RUN]}, False)})
    asked = request_of(ours, {"before_run": "staging-abc", "reason": "0017"}, "ada")
    assert asked == {
        "time": RUN["started_at"], "before_run": "staging-abc", "reason": "0017", "requested_by": "ada"
    }  # fmt: skip


def test_a_run_that_the_ledger_does_not_know_is_refused_with_the_way_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = stack(**{"lambda": FakeLambda({"runs": [RUN]}, False)})
    monkeypatch.setattr("dbmigrate_cli.recovering.open_stack", lambda *_: ours)
    answer = run("--environment", "staging", "recover", "--yes", "--before-run", "staging-xyz")
    assert answer.code == 3 and "has no run staging-xyz" in answer.err and "--to-time TIME" in answer.err


@pytest.mark.parametrize("wish", ["resume", "abandon"])
def test_what_was_cut_is_named_by_its_recovery_alone(wish: str) -> None:
    assert request_of(stack(), {wish: RECOVERY}, "ada") == {wish: RECOVERY, "requested_by": "ada"}


@pytest.mark.parametrize(
    ("phase", "ways"),
    [
        ("restoring", ["--resume", "--abandon"]),
        ("swapping", ["--resume"]),
        ("opened", []),
        ("abandoned", ["--abandon"]),  # not everything is put back
    ],
)
def test_the_list_says_where_it_is_and_what_may_be_typed(
    phase: str, ways: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbmigrate_cli.recovery_state.open_stack", lambda *_: stack(record(phase)))
    answer = run("--environment", "staging", "recover", "--list")
    assert answer.code == 0 and RECOVERY in answer.out and phase in answer.out
    assert [word for word in ("--resume", "--abandon") if word in answer.err] == ways


def test_before_the_first_recovery_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbmigrate_cli.recovery_state.open_stack", lambda *_: stack())
    answer = run("--environment", "staging", "--format", "json", "recover", "--list")
    assert answer.json == {"environment": "staging", "recovery": None}


def test_status_names_the_recovery_when_nothing_answers_under_the_databases_name(
    history: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"errorType": "DatabaseUnreachable", "errorMessage": "No server answers.\nNext: look"}
    ours = stack(record("swapping"), **{"lambda": FakeLambda(said, True)})
    monkeypatch.setattr("dbmigrate_cli.asked.open_stack", lambda *_: ours)
    answer = run("--environment", "staging", "status")
    assert answer.code == 4 and "No server answers." in answer.err
    assert f"Recovery {RECOVERY} is swapping since 2026-" in answer.err
    assert f"next: db-migrate --environment staging recover --resume {RECOVERY}" in answer.err


def test_every_ending_has_a_code_and_a_sentence() -> None:
    from dbmigrate.domain.recovery_outcomes import RECOVERY_OUTCOMES

    told = {"RecoveryBegan", "RecoveryInterrupted"}  # announced on the way, by no execution's end
    for outcome in RECOVERY_OUTCOMES.keys() - told:
        assert outcome in EXIT_CODES and (outcome in SAID or EXIT_CODES[outcome] == 0)
