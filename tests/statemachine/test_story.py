"""The whole story of a run, and what the caller's input can and cannot do to it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.statemachine.environments import careful, everywhere, only
from tests.statemachine.machine import Machine
from tests.statemachine.scenario import DIGEST, DONE, PLAN, error

SAFEGUARD = ["Choose the next safeguard"]
REVISION = ["Upgrade", "Decide whether to go on"]
LOOK = ["Wait for the next look", "Watch the application", "Decide whether to keep watching"]
WEAK = {
    "approval": False, "backup": "skipped", "notification": "silent", "notice": "sent", "closing": "done",
    "outcome": "Succeeded", "phase": "rollback",
    "allowed": True, "Approval": "skipped", "states": {"input": {}},
    "policy": {"approval": "skipped", "backup": "skipped", "rollback": "automatic", "bake_time": 0},
    "plan": {"pending": []}, "progress": {"status": "done"}, "announcement": "sent",
}  # fmt: skip


@everywhere
def test_the_story_of_a_success(machine: Machine) -> None:
    machine.run().ends_as("Succeeded")
    backup = ["Start the backup"] + ["Wait for the backup", "Check the backup", *SAFEGUARD] * 2
    is_careful = machine.environment != "development"
    assert machine.states == (
        ["Read the policy", "Check the request", "Validate", *SAFEGUARD]
        + ([*backup, "Request approval", *SAFEGUARD] if is_careful else [])
        + ["Measure the server"]
        + REVISION * 3
        + ["Verify", "Decide whether to keep watching"]
        + LOOK * (int(machine.policy["BakeTime"]) // 60)
        + ["Choose the ending", "Close the run", "Choose the ending"]
        + (["Notify", "Choose the ending"] if is_careful else [])
        + ["Report success"]
    )


@everywhere
def test_what_the_functions_are_told(machine: Machine) -> None:
    machine.run({"reason": " a new column "})
    request = {"bundle": DIGEST, "requested_by": "dev@example.com", "reason": " a new column "}
    assert machine.told("Validate") == [{"run": machine.name, "request": request}]
    upgrade = machine.told("Upgrade")[0]
    assert set(upgrade) == {"run", "plan", "approval", "force", "before"} and upgrade["plan"] == PLAN
    assert upgrade["force"] == {
        "asked": False,
        "allowed": machine.environment == "development",
        "reason": "a new column",
    } or (machine.environment == "staging" and upgrade["force"]["allowed"])
    assert set(machine.told("Close")[0]) == {
        "run",
        "plan",
        "outcome",
        "failure",
        "approval",
        "backup",
        "force",
    }
    assert machine.told("Verify") == [{"run": machine.name, "plan": PLAN, "phase": "upgrade"}]


@careful
def test_what_people_are_told(machine: Machine) -> None:
    machine.run()
    request = machine.told("RequestApproval")[0]
    assert request["expires_in"] == int(machine.policy["ApprovalExpiry"]) and request["token"]
    assert request["backup"]["status"] == "available"
    assert machine.told("Upgrade")[0]["approval"]["by"] == "alice@example.com"
    (notice,) = machine.told("Notify")
    assert set(notice) == {
        "run", "plan", "outcome", "command", "failure", "reason", "force", "backup", "approval", "started",
        "restore_point", "announce", "verified", "watched",
    }  # fmt: skip
    assert notice["restore_point"].endswith("Z") and notice["backup"]["id"] == "db-migrate-1"
    assert machine.told("Watch")[0]["since"] == notice["restore_point"]


@only("staging")
def test_the_notice_says_when_the_ledger_says_that_the_upgrade_began(machine: Machine) -> None:
    machine.run(Close=[{"seconds": 1, "slower": False, "began": "2027-01-15T07:31:00+00:00 (WAL 0/7)"}])
    assert machine.told("Notify")[0]["restore_point"] == "2027-01-15T07:31:00+00:00 (WAL 0/7)"


@everywhere
def test_the_input_weakens_nothing(machine: Machine) -> None:
    states = machine.run().states
    machine.run(WEAK).ends_as("Succeeded")
    assert machine.states == states
    failing = machine.run(WEAK, Upgrade=[DONE], Verify=[error("VerificationFailed"), {}])
    failing.ends_as("RolledBack" if machine.environment == "staging" else "NeedsManualRollback")


@only("staging")
@pytest.mark.parametrize("odd", [[], [{"force": True}], "text", 7, None, True])
def test_an_input_that_is_no_object_is_refused_unread(machine: Machine, odd: Any) -> None:
    machine.start(odd, raw=True).end().ends_as("ValidationFailed")
    assert not machine.told("Validate") and "not a JSON object" in machine.cause


@everywhere
@pytest.mark.parametrize(
    ("request_", "allowed"),
    [
        ({"force": True, "reason": "shop is down"}, {"development", "staging"}),
        ({"force": True, "reason": "  "}, {"development"}),
        ({"force": True, "reason": 7}, {"development"}),
        ({"force": True}, {"development"}),
    ],
)
def test_a_force_gets_what_the_policy_allows(machine: Machine, request_: Any, allowed: set[str]) -> None:
    machine.run(request_).ends_as("Succeeded" if machine.environment in allowed else "ForceRefused")
    assert "Request approval" not in machine.states
    assert bool(machine.told("Upgrade")) == (machine.environment in allowed)
    if machine.environment not in allowed:
        assert not machine.told("Validate") and "--force" in machine.cause


@only("production")
@pytest.mark.parametrize("force", ["true", 1, None, False, ["yes"], {"asked": True}])
def test_only_true_is_a_force(machine: Machine, force: Any) -> None:
    machine.run({"force": force, "reason": "x"}).ends_as("Succeeded")
    assert "Request approval" in machine.states


@only("staging")
def test_a_force_is_announced_before_the_upgrade(machine: Machine) -> None:
    machine.run({"force": True, "reason": "shop is down"}).ends_as("Succeeded")
    verbs = [verb for verb, _ in machine.scenario.calls if verb in ("Notify", "Upgrade")]
    assert verbs == ["Notify", "Upgrade", "Upgrade", "Upgrade", "Notify"]
    announced = machine.told("Notify")[0]
    assert (announced["outcome"], announced["announce"]) == ("Forced", True)
    assert announced["force"] == {"asked": True, "allowed": True, "reason": "shop is down"}


@only("staging")
def test_an_announcement_that_cannot_be_sent_does_not_hold_up_an_emergency(machine: Machine) -> None:
    machine.run({"force": True, "reason": "shop is down"}, Notify=[error("KeyError"), {}]).ends_as(
        "Succeeded"
    )
    assert machine.states.count("Announce the force") == 1


@only("production+broken-glass")
@pytest.mark.parametrize(
    ("reason", "outcome"), [("shop is down", "Succeeded"), ("", "ForceRefused"), (None, "ForceRefused")]
)
def test_broken_glass_lets_production_force_with_a_reason(
    machine: Machine, reason: Any, outcome: str
) -> None:
    machine.run({"force": True, "reason": reason}).ends_as(outcome)
    assert ("Announce the force" in machine.states) == (outcome == "Succeeded")
