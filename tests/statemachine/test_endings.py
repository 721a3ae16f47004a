"""Every ending is written down and announced, and neither can change it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.statemachine.environments import careful, everywhere, only
from tests.statemachine.machine import Machine
from tests.statemachine.scenario import APPLIED, PLAN, error

FAILED = {"Upgrade": [APPLIED, error("RevisionFailed", "duplicate column")]}
ENDINGS: dict[str, tuple[dict[str, Any], Any]] = {
    "Succeeded": ({}, "Succeeded"),
    "NothingPending": ({"Validate": [PLAN | {"pending": []}]}, "NothingPending"),
    "ValidationFailed": ({"Validate": [error("BundleRejected")]}, "ValidationFailed"),
    "LockNotFree": ({"Upgrade": [error("LockNotFree")]}, "LockNotFree"),
    "undone": (FAILED, {"staging": "RolledBack"}),
}
TROUBLE = ["KeyError", "Lambda.Unknown", "Sandbox.Timedout", "States.Timeout", "Lambda.ServiceException"]


def expected(machine: Machine, ending: str) -> str:
    outcome = ENDINGS[ending][1]
    return str(
        outcome if isinstance(outcome, str) else outcome.get(machine.environment, "NeedsManualRollback")
    )


@careful
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_notice_that_fails_changes_nothing(machine: Machine, ending: str) -> None:
    machine.run(**ENDINGS[ending][0], Notify=[error("KeyError")])
    assert machine.outcome == expected(machine, ending)
    assert machine.states.count("Notify") == 1


@everywhere
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_run_that_cannot_be_closed_ends_as_it_would(machine: Machine, ending: str) -> None:
    machine.run(**ENDINGS[ending][0], Close=[error("KeyError")])
    assert machine.outcome == expected(machine, ending)
    assert machine.states.count("Close the run") == 1
    notified = machine.policy["Notification"] == "sent"
    assert bool(machine.told("Notify")) == notified
    if machine.result["status"] == "SUCCEEDED":
        output = json.loads(machine.result["output"])
        assert (output["closing"], output["notice"]) == ("failed", "sent" if notified else "none")


@only("staging")
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("verb", ["Close", "Notify"])
def test_however_an_ending_fails_the_outcome_stands(machine: Machine, verb: str, trouble: str) -> None:
    machine.run(**FAILED, **{verb: [error(trouble)]})
    assert machine.outcome == "RolledBack" and machine.states[-1] == "Report failure"


@everywhere
def test_closing_is_repeated_while_the_database_is_away(machine: Machine) -> None:
    machine.run(Close=[error("DatabaseUnreachable")] * 4 + [{}])
    assert json.loads(machine.result["output"])["closing"] == "done"


@careful
def test_a_run_is_closed_before_people_hear_of_it(machine: Machine) -> None:
    machine.run(**FAILED)
    last = [verb for verb, _ in machine.scenario.calls][-2:]
    assert last == ["Close", "Notify"]
    assert (
        machine.told("Close")[0]["failure"]["Error"]
        == machine.told("Notify")[0]["failure"]["Error"]
        == "RevisionFailed"
    )


@only("staging")
def test_a_cause_too_long_for_the_service_is_cut_before_the_command(machine: Machine) -> None:
    machine.run(
        Validate=[PLAN | {"reversible": False}], Upgrade=[APPLIED, error("RevisionFailed", "x" * 40_000)]
    )
    assert len(machine.cause) < 32_768 and " | Run: db-migrate --environment staging recover" in machine.cause


@only("staging")
def test_an_abort_runs_no_catch_so_the_rule_closes_and_announces(machine: Machine) -> None:
    machine.start()
    machine.until(machine.waits_for_a_person)
    machine.states_api.stop_execution(executionArn=machine.arn, error="Stopped", cause="by hand")
    machine.end()
    assert machine.result["status"] == "ABORTED" and machine.states[-1] == "Request approval"
    for verb in ("Close", "Notify"):
        (event,) = machine.told(verb)
        assert event["detail"]["name"] == machine.name and event["detail"]["status"] == "ABORTED"
