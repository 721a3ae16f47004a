"""A run that failed and cannot be undone without loss: where the policy says so, it begins its recovery."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.statemachine.environments import careful, only
from tests.statemachine.machine import Machine
from tests.statemachine.scenario import APPLIED, PLAN, error

BEGAN = "2026-11-29T04:30:27.429120+00:00"
LOSSY = {
    "Validate": [PLAN | {"reversible": False, "requested_by": "dev@example.com"}],
    "Upgrade": [APPLIED, error("RevisionFailed", "duplicate column")],
    "Close": [{"began": f"{BEGAN} (WAL 0/7000280)"}],
    "PlanRecovery": [error("RecoveryRefused", "enough for this test")],
}
recovers = only("staging+recovery")
DENIED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "states:StartExecution", "Resource": "*"}],
}


def recoveries(machine: Machine) -> list[dict[str, Any]]:
    """What the recoveries that this run began were asked, when they have ended."""
    machines = machine.states_api.list_executions(
        stateMachineArn=machine.cloud.outputs["RecoveryStateMachineArn"]
    )
    described = [machine.cloud.wait(one["executionArn"]) for one in machines["executions"]]
    asked = [json.loads(one["input"]) | {"name": one["name"]} for one in described]
    return [one for one in asked if one["before_run"] == machine.name]


@contextmanager
def nothing_can_be_started(machine: Machine) -> Iterator[None]:
    iam, role = machine.cloud.client("iam"), machine.cloud.resources["MigrationStateMachineRole"]
    iam.put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=json.dumps(DENIED))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="denied")


@recovers
def test_the_recovery_is_asked_for_what_a_person_would_ask(machine: Machine) -> None:
    machine.run(**LOSSY)
    (asked,) = recoveries(machine)
    assert machine.outcome == "RecoveryStarted" and machine.cause.startswith("RevisionFailed: ")
    assert machine.cause.endswith(" | Run: db-migrate --environment staging recover --list")
    assert asked.pop("name").startswith("staging-recovery-20")
    assert asked == {
        "time": BEGAN,
        "before_run": machine.name,
        "requested_by": "dev@example.com",
        "reason": f"{machine.name} failed behind its first revision, and the way back would lose data: "
        "RevisionFailed",
    }


@recovers
def test_it_is_started_behind_the_close_and_before_the_notice(machine: Machine) -> None:
    machine.run(**LOSSY)
    assert recoveries(machine)
    ending = ["Close the run", "Start the recovery", "Notify", "Report failure"]
    assert [state for state in machine.states if state in ending] == ending
    assert [event["outcome"] for event in machine.told("Close")] == ["NeedsManualRollback"]
    told = [event for event in machine.told("Notify") if event.get("run") == machine.name]
    assert [event["outcome"] for event in told] == ["RecoveryStarted"]


@recovers
def test_what_cannot_be_started_is_left_to_a_person(machine: Machine) -> None:
    with nothing_can_be_started(machine):
        machine.run(**LOSSY).ends_as("NeedsManualRollback")
    assert machine.states.count("Start the recovery") == 1 and recoveries(machine) == []
    assert machine.cause.endswith(
        f" | Run: db-migrate --environment staging recover --before-run {machine.name}"
    )


@recovers
def test_a_run_that_cannot_be_closed_starts_nothing_because_the_fence_would_refuse_it(
    machine: Machine,
) -> None:
    machine.run(**LOSSY | {"Close": [error("KeyError")]})
    assert machine.outcome == "NeedsManualRollback" and "Start the recovery" not in machine.states


NOT_RECOVERED: dict[str, dict[str, Any]] = {
    "lossless": {"Validate": [PLAN]},
    "half applied": {"Upgrade": [error("RevisionHalfApplied")]},
    "a way back": {"Validate": [PLAN | {"reversible": False, "direction": "downgrade", "to": "r0"}]},
    "the first revision": {"Upgrade": [error("RevisionFailed")]},
    "stopped": {"Upgrade": [APPLIED, error("RunStopped")]},
}


@recovers
@pytest.mark.parametrize("case", NOT_RECOVERED)
def test_nothing_else_begins_one(machine: Machine, case: str) -> None:
    machine.run(**LOSSY | NOT_RECOVERED[case])
    assert "Start the recovery" not in machine.states and machine.outcome != "RecoveryStarted"


@careful
def test_without_the_policy_it_is_offered(machine: Machine) -> None:
    machine.run(**LOSSY).ends_as("NeedsManualRollback")
    assert "Start the recovery" not in machine.states and "recover --before-run" in machine.cause
