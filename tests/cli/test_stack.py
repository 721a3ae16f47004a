"""Starting, joining and asking a stack, against small fakes of its AWS clients."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cli.cases import run

from dbmigrate.domain.errors import Misconfigured
from dbmigrate_cli.failures import RunEnded
from dbmigrate_cli.follow import Follower
from dbmigrate_cli.output import Output
from dbmigrate_cli.stack import Stack
from dbmigrate_cli.story import Story

MACHINE = "arn:aws:states:eu-central-1:1:stateMachine:db-migrate-staging"


class AlreadyExists(Exception):
    pass


class DoesNotExist(Exception):
    pass


class FakeStates:
    """Step Functions: executions by name and status. ``overtaken`` are started by another just before us."""

    def __init__(self, **statuses: str) -> None:
        self.statuses = statuses
        self.started: list[str] = []
        self.overtaken: set[str] = set()
        self.inputs: dict[str, dict[str, Any]] = {}
        self.exceptions = SimpleNamespace(
            ExecutionAlreadyExists=AlreadyExists, ExecutionDoesNotExist=DoesNotExist, InvalidArn=DoesNotExist
        )

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        if name not in self.statuses:
            raise DoesNotExist
        return {
            "status": self.statuses[name],
            "startDate": datetime.now(UTC),
            "input": json.dumps(self.inputs.get(name, {})),
            "error": "RolledBack",
            "executionArn": executionArn,
        }

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict[str, str]:  # noqa: N803
        if name in self.overtaken:
            self.statuses[name] = "RUNNING"
            raise AlreadyExists
        self.started.append(name)
        return {"executionArn": f"arn:{name}"}

    def stop_execution(self, executionArn: str, error: str, cause: str) -> None:  # noqa: N803
        self.statuses[executionArn.rpartition(":")[2]] = f"{error}: {cause}"

    def list_executions(self, **asked: Any) -> dict[str, Any]:
        return {"executions": [{"name": name} for name in self.statuses]}


class FakeFormation:
    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName == "absent":
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks"
            )
        outputs = {"StateMachineArn": MACHINE, "InspectFunctionName": "inspect"}
        outputs["SteerFunctionName"] = "steer"
        people = {"FirstApprover": "A@example.com", "SecondApprover": "b@example.com", "ThirdApprover": ""}
        return {
            "Stacks": [
                {
                    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
                    "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in people.items()],
                }
            ]
        }


class FakeLambda:
    def __init__(self, payload: Any, failed: bool) -> None:
        self.answer = {"Payload": io.BytesIO(json.dumps(payload).encode())} | (
            {"FunctionError": "Unhandled"} if failed else {}
        )

    def invoke(self, **asked: Any) -> dict[str, Any]:
        return self.answer


def stack(name: str = "db-migrate-staging", **clients: Any) -> Stack:
    known = {"cloudformation": FakeFormation(), **clients}
    return Stack("staging", name, known.__getitem__)


def test_a_new_bundle_starts_a_run() -> None:
    states = FakeStates()
    started = stack(stepfunctions=states).start("staging-abc", {})
    assert (started.run, started.joined, states.started) == ("staging-abc", False, ["staging-abc"])


def test_a_running_one_is_joined() -> None:
    states = FakeStates(**{"staging-abc": "FAILED", "staging-abc-2": "RUNNING"})
    started = stack(stepfunctions=states).start("staging-abc", {})
    assert (started.run, started.joined, states.started) == ("staging-abc-2", True, [])


def test_an_ended_one_is_followed_by_the_next_number() -> None:
    states = FakeStates(**{"staging-abc": "FAILED", "staging-abc-2": "SUCCEEDED"})
    assert stack(stepfunctions=states).start("staging-abc", {}).run == "staging-abc-3"


def test_another_runs_rollback_is_not_joined() -> None:
    """Both runs had the same bundle, so both rollbacks want the same name."""
    states = FakeStates(**{"staging-rollback-abc": "RUNNING"})
    states.inputs["staging-rollback-abc"] = {"rollback_of": "staging-abc"}
    ours = stack(stepfunctions=states)
    assert ours.start("staging-rollback-abc", {"rollback_of": "staging-abc"}).joined
    other = ours.start("staging-rollback-abc", {"rollback_of": "staging-abc-2"})
    assert (other.run, other.joined) == ("staging-rollback-abc-2", False)
    states.inputs["staging-rollback-def"] = {"rollback_to": "0001"}
    states.statuses["staging-rollback-def"] = "RUNNING"
    assert ours.start("staging-rollback-def", {"rollback_to": "0001"}).joined
    assert not ours.start("staging-rollback-def", {"rollback_to": "0002"}).joined


def test_whoever_comes_second_joins() -> None:
    states = FakeStates()
    states.overtaken.add("staging-abc")
    started = stack(stepfunctions=states).start("staging-abc", {})
    assert (started.run, started.joined) == ("staging-abc", True)


def test_the_audience_is_everyone_but_the_requester() -> None:
    assert stack().audience("a@example.com") == ["b@example.com"]


def test_runs_say_how_they_ended() -> None:
    found = stack(stepfunctions=FakeStates(**{"staging-abc": "FAILED", "staging-def": "RUNNING"})).runs(10)
    assert [(run["run"], run["outcome"]) for run in found] == [
        ("staging-abc", "RolledBack"),
        ("staging-def", None),
    ]


def test_ctrl_c_stops_following_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(follower: Follower) -> None:
        raise KeyboardInterrupt

    ours = stack(stepfunctions=FakeStates(**{"staging-abc": "RUNNING"}))
    monkeypatch.setattr(Follower, "to_the_end", interrupted)
    monkeypatch.setattr("dbmigrate_cli.deploy_there.open_stack", lambda options, name: ours)
    answer = run("--environment", "staging", "runs", "--follow", "staging-abc")
    assert answer.code == 130 and "Joining run staging-abc" in answer.out
    assert "the run goes on" in answer.err
    assert "db-migrate --environment staging runs --follow staging-abc" in answer.err


def test_credentials_that_end_while_people_think_do_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def expired(follower: Follower) -> None:
        raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "has expired"}}, "DescribeExecution")

    ours = stack(stepfunctions=FakeStates(**{"staging-abc": "RUNNING"}))
    monkeypatch.setattr(Follower, "to_the_end", expired)
    monkeypatch.setattr("dbmigrate_cli.deploy_there.open_stack", lambda options, name: ours)
    answer = run("--environment", "staging", "runs", "--follow", "staging-abc")
    assert answer.code == 2 and "Run staging-abc goes on" in answer.err and "has expired" in answer.err
    assert (
        "renew the credentials, then: db-migrate --environment staging runs --follow staging-abc"
        in answer.err
    )


def test_an_execution_that_step_functions_shows_late_is_waited_for() -> None:
    class Late(FakeStates):
        def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
            self.statuses["staging-abc"] = "SUCCEEDED" if asked else "RUNNING"
            asked.append(executionArn)
            if len(asked) < 3:
                raise DoesNotExist
            return super().describe_execution(executionArn) | {"output": '{"outcome": "Succeeded"}'}

        def get_execution_history(self, **_: Any) -> dict[str, Any]:
            return {"events": []}

    asked: list[str] = []
    follower = Follower(Output(lambda: "text"), Late(), "arn:staging-abc", Story(), "status", interval=0)
    assert follower.to_the_end().outcome == "Succeeded"
    assert len(asked) == 3


def test_a_missing_stack_and_a_foreign_one_are_named() -> None:
    with pytest.raises(Misconfigured, match="no stack absent"):
        stack("absent").output("StateMachineArn")
    with pytest.raises(Misconfigured, match="no output BundleBucketName"):
        stack().output("BundleBucketName")


def test_a_function_that_refuses_keeps_its_words_and_code() -> None:
    said = {
        "errorType": "WrongEnvironment",
        "errorMessage": "belongs to production\nNext: name the right one",
    }
    with pytest.raises(RunEnded) as refused:
        stack(**{"lambda": FakeLambda(said, failed=True)}).inspect()
    assert (refused.value.name, refused.value.exit_code) == ("WrongEnvironment", 3)
    assert (refused.value.message, refused.value.hint) == ("belongs to production", "name the right one")


def test_only_an_execution_that_runs_is_ended() -> None:
    states = FakeStates(**{"staging-abc": "RUNNING", "staging-def": "FAILED"})
    ours = stack(stepfunctions=states)
    found = [ours.end_execution(run, "ann") for run in ("staging-abc", "staging-def", "staging-xyz")]
    assert found == ["RUNNING", "FAILED", None]
    assert states.statuses == {"staging-abc": "Stopped: stopped by ann", "staging-def": "FAILED"}


def test_a_stop_goes_through_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its execution ends first, then what it left at work in the database."""
    said = {"run": "staging-abc", "stopped": True, "sessions": 1, "outcome": "Stopped", "ended_at": "t"}
    said |= {"current": "0001", "applied": [], "unfinished": [], "invalid_indexes": [], "held_by": None}
    states = FakeStates(**{"staging-abc": "RUNNING"})
    ours = stack(stepfunctions=states, **{"lambda": FakeLambda(said, False)})
    monkeypatch.setattr("dbmigrate_cli.stack.open_stack", lambda options, name: ours)
    answer = run("--environment", "staging", "stop", "staging-abc")
    assert answer.code == 0 and "Run staging-abc is stopped: 1 session of it ended" in answer.out
    assert answer.err == "next: db-migrate --environment staging deploy begins again\n"
    assert states.statuses["staging-abc"].startswith("Stopped: stopped by ")


def test_a_pause_goes_through_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"errorType": "BadRequest", "errorMessage": "Run staging-abc has not begun.\nNext: look"}
    ours = stack(**{"lambda": FakeLambda(said, True)})
    monkeypatch.setattr("dbmigrate_cli.stack.open_stack", lambda options, name: ours)
    answer = run("--environment", "staging", "pause", "staging-abc")
    assert answer.code == 3 and "has not begun" in answer.err and "next: look" in answer.err
