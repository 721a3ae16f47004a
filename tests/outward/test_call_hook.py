"""The user's own hooks: a function that answers, a document that takes its time, and none."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from dbmigrate.adapters.executions import RecoveryExecutions
from dbmigrate.adapters.hooks import AwsHooks
from dbmigrate.domain.errors import BadRequest, HookFailed
from dbmigrate.service.call_hook import call_hook

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:stop-shop"


class Functions:
    """Lambda: answers, or fails."""

    def __init__(self, error: str = "") -> None:
        self.error, self.calls = error, []

    def invoke(self, **given: Any) -> dict[str, Any]:
        self.calls.append(given)
        body = {"errorMessage": self.error} if self.error else "stopped"
        answer = {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(body).encode())}
        return answer | ({"FunctionError": "Unhandled"} if self.error else {})


class Automation:
    """Systems Manager: an execution that goes through the statuses."""

    def __init__(self, *statuses: str) -> None:
        self.statuses, self.started = list(statuses), []

    def start_automation_execution(self, **given: Any) -> dict[str, str]:
        self.started.append(given)
        return {"AutomationExecutionId": "job-1"}

    def get_automation_execution(self, AutomationExecutionId: str) -> dict[str, Any]:  # noqa: N803
        assert AutomationExecutionId == "job-1"
        status = self.statuses.pop(0)
        return {"AutomationExecution": {"AutomationExecutionStatus": status, "FailureMessage": "step 2"}}


def called(
    hook: str, functions: Any = None, automation: Any = None, job: Any = None, when: str = "stop"
) -> Any:
    event = {"recovery": "r-1", "when": when, "job": job or {"status": "none"}}
    hooks = AwsHooks(functions or Functions(), automation or Automation())
    return call_hook(event, {"stop": hook, "start": ""}, "staging", hooks)


def test_nothing_is_called_where_nothing_is_configured() -> None:
    assert called("") == called(FUNCTION, when="start") == {"status": "none"}


def test_a_function_is_told_what_happens_and_waited_for() -> None:
    functions = Functions()
    assert called(FUNCTION, functions) == {"status": "done"}
    (call,) = functions.calls
    assert (call["FunctionName"], call["InvocationType"]) == (FUNCTION, "RequestResponse")
    assert json.loads(call["Payload"]) == {"recovery": "r-1", "when": "stop", "environment": "staging"}


def test_a_function_that_fails_says_why() -> None:
    with pytest.raises(HookFailed, match=r"stop-shop failed: .*no such service"):
        called(FUNCTION, Functions("no such service"))


def test_a_document_is_started_once_and_asked_until_its_end() -> None:
    automation = Automation("InProgress", "Waiting", "Success")
    seen = [{"status": "none"}]
    while seen[-1]["status"] != "done":
        seen.append(called("ssm:Stop-Shop", automation=automation, job=seen[-1]))
    assert [one["status"] for one in seen[1:]] == ["working", "working", "working", "done"]
    assert automation.started == [{"DocumentName": "Stop-Shop"}]


@pytest.mark.parametrize("status", ["Failed", "TimedOut", "Cancelled", "CompletedWithFailure"])
def test_a_document_that_fails_says_where_to_look(status: str) -> None:
    with pytest.raises(HookFailed, match=f"ended as {status}: step 2") as failed:
        called("ssm:Stop-Shop", automation=Automation(status), job={"status": "working", "job": "job-1"})
    assert "get-automation-execution --automation-execution-id job-1" in failed.value.hint


def test_another_moment_is_none() -> None:
    with pytest.raises(BadRequest, match="'when' must be one of stop, start"):
        called(FUNCTION, when="pause")


def test_an_execution_is_known_by_its_name(aws: None) -> None:
    from dbmigrate.runtime import wiring

    client = wiring.client("stepfunctions")
    definition = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Succeed"}}})
    role = "arn:aws:iam::123456789012:role/machine"
    arn = client.create_state_machine(name="recoveries", definition=definition, roleArn=role)[
        "stateMachineArn"
    ]
    started = client.start_execution(stateMachineArn=arn, name="r-1")["executionArn"]
    executions = RecoveryExecutions(client, arn)
    assert executions.runs("r-1") and not executions.runs("r-2")
    client.stop_execution(executionArn=started)
    assert not executions.runs("r-1")
