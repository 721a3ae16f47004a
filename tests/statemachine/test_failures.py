"""What goes wrong after the upgrade began: undone where that is proved safe, else a person gets a command."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.statemachine.environments import careful, everywhere, only
from tests.statemachine.machine import Machine
from tests.statemachine.scenario import APPLIED, CONTINUE, DONE, PLAN, error

UNDONE = {"development": "NeedsManualRollback", "staging": "RolledBack", "production": "NeedsManualRollback"}
REVISION = {"Upgrade": [APPLIED, error("RevisionFailed", "duplicate column")]}
VERDICT = {"Verify": [error("VerificationFailed", "an index is invalid"), {}]}
ALARM = {"Watch": [{}, {}, error("AlarmRaised", "5xx")]}
FAILURES = {"RevisionFailed": REVISION, "VerificationFailed": VERDICT, "AlarmRaised": ALARM}


def command(machine: Machine) -> str:
    """What the run's last words tell a person to type."""
    return machine.cause.partition(" | Run: ")[2]


def rollback(machine: Machine, run: str = "") -> str:
    return f"db-migrate --environment {machine.environment} rollback --run {run or machine.name}"


def restore(machine: Machine) -> str:
    return f"db-migrate --environment {machine.environment} recover --before-run {machine.name}"


@careful
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_follows_the_policy(machine: Machine, failure: str) -> None:
    machine.run(**FAILURES[failure]).ends_as(UNDONE[machine.environment])
    assert machine.cause.startswith(f"{failure}: ")
    remedy = machine.states.index("Choose the remedy")
    ending = [
        "Choose the ending",
        "Close the run",
        "Choose the ending",
        "Notify",
        "Choose the ending",
        "Report failure",
    ]
    if machine.environment == "production":
        assert machine.states[remedy + 1 :] == ending
        assert command(machine) == machine.told("Notify")[0]["command"] == rollback(machine)
        return
    undoing = ["Roll back", "Decide whether to go on"] * 2 + ["Verify", "Decide whether to keep watching"]
    assert machine.states[remedy + 1 :] == undoing + ending
    assert machine.told("Verify")[-1]["phase"] == "rollback" and command(machine) == ""
    assert (
        machine.told("RollBack")[0]["reason"]["Error"]
        == machine.told("Notify")[0]["reason"]["Error"]
        == failure
    )


@only("development")
@pytest.mark.parametrize("failure", ["RevisionFailed", "VerificationFailed"])
def test_development_is_reset(machine: Machine, failure: str) -> None:
    machine.run(**FAILURES[failure]).ends_as("NeedsManualRollback")
    assert "Roll back" not in machine.states and command(machine) == "db-migrate reset"


@careful
def test_what_is_not_proved_lossless_is_restored_by_a_person(machine: Machine) -> None:
    machine.run(Validate=[PLAN | {"reversible": False}], **REVISION).ends_as("NeedsManualRollback")
    assert "Roll back" not in machine.states and command(machine) == restore(machine)


@everywhere
def test_a_downgrade_that_failed_is_never_undone_but_started_again(machine: Machine) -> None:
    plan = PLAN | {"direction": "downgrade", "rollback_of": "production-abc"}
    machine.run(Validate=[plan], **REVISION).ends_as("NeedsManualRollback")
    assert "Roll back" not in machine.states
    expected = {"development": "db-migrate reset"}.get(
        machine.environment, rollback(machine, "production-abc")
    )
    assert command(machine) == expected


@careful
def test_what_went_back_to_a_revision_goes_on_there_with_the_loss_that_was_accepted(machine: Machine) -> None:
    plan = PLAN | {"direction": "downgrade", "to": "r7", "accept_loss": True}
    machine.run(Validate=[plan], **REVISION).ends_as("NeedsManualRollback")
    began = f"db-migrate --environment {machine.environment} rollback"
    assert command(machine) == f"{began} --to r7 --accept-loss"
    machine.run(Validate=[plan], Upgrade=[APPLIED, error("LockNotFreeMidway")]).ends_as("Unfinished")
    assert command(machine) == f"{began} --to r7 --accept-loss"


@careful
def test_a_downgrade_that_is_done_is_not_begun_again(machine: Machine) -> None:
    """Rows are gone, or the application still suffers: the one is restored, of the other the cause sought."""
    plan = PLAN | {"direction": "downgrade", "rollback_of": "production-abc"}
    machine.run(Validate=[plan], **VERDICT).ends_as("NeedsManualRollback")
    assert "Roll back" not in machine.states and command(machine) == restore(machine)
    machine.run(Validate=[plan], **ALARM).ends_as("NeedsManualRollback")
    assert command(machine) == f"db-migrate --environment {machine.environment} rollback"


@careful
def test_what_was_verified_and_watched_is_told(machine: Machine) -> None:
    seen = {"checks": ["revision", "rows"], "left": []}
    machine.run(Verify=[seen], Watch=[{"missing": [], "on": ["orders-5xx"]}]).ends_as("Succeeded")
    for told in (json.loads(machine.result["output"]), machine.told("Notify")[-1]):
        assert (told["verified"], told["watched"]["on"]) == (seen, ["orders-5xx"])


@everywhere
def test_a_downgrade_that_changed_nothing_ends_as_any_other(machine: Machine) -> None:
    plan = PLAN | {"direction": "downgrade", "rollback_of": "production-abc"}
    machine.run(Validate=[plan], Upgrade=[error("RevisionFailed")]).ends_as("RevisionFailed")


@careful
@pytest.mark.parametrize("state", ["Verify", "Watch"])
def test_looking_is_repeated_before_anything_is_undone(machine: Machine, state: str) -> None:
    machine.run(**{state: [error("DatabaseUnreachable")] * 4 + [{}]}).ends_as("Succeeded")
    machine.run(**{state: [error("DatabaseUnreachable")] * 5 + [{}]}).ends_as(UNDONE[machine.environment])


@careful
def test_a_verdict_is_not_asked_for_twice(machine: Machine) -> None:
    machine.run(Verify=[error("VerificationFailed"), {}], Watch=[error("AlarmRaised")])
    assert [event["phase"] for event in machine.told("Verify")].count("upgrade") == 1
    machine.run(Watch=[error("AlarmRaised")])
    assert len(machine.told("Watch")) == 1


BROKEN = {
    "revision": {"RollBack": [APPLIED, error("RevisionFailed", "cannot downgrade")]},
    "irreversible": {"RollBack": [error("NotReversible", "no downgrade")]},
    "lock": {"RollBack": [error("LockNotFree")]},
    "lost": {"RollBack": [error("Lambda.Unknown")], "Inspect": [{"status": "failed"}]},
    "answer": {"RollBack": [{"status": "nonsense"}]},
}


@only("staging")
@pytest.mark.parametrize("broken", BROKEN)
def test_a_rollback_that_fails_is_finished_by_a_person(machine: Machine, broken: str) -> None:
    machine.run(**REVISION, **BROKEN[broken]).ends_as("RollbackFailed")
    assert machine.told("Notify")[0]["reason"]["Error"] == "RevisionFailed"
    assert command(machine) == (restore(machine) if broken == "irreversible" else rollback(machine))
    assert machine.states.count("Ask the database") == (1 if broken == "lost" else 0)


@only("staging")
def test_a_rollback_that_ran_and_still_differs_is_restored(machine: Machine) -> None:
    machine.run(**REVISION, Verify=[error("VerificationFailed")]).ends_as("RollbackFailed")
    assert command(machine) == restore(machine)


@only("staging")
@pytest.mark.parametrize("truth", [CONTINUE, APPLIED, DONE])
def test_a_lost_answer_of_a_rollback_goes_on_rolling_back(machine: Machine, truth: dict[str, Any]) -> None:
    machine.run(**REVISION, RollBack=[error("Sandbox.Timedout"), APPLIED, DONE], Inspect=[truth]).ends_as(
        "RolledBack"
    )
    asked = machine.states.index("Ask the database")
    assert machine.states[asked + 2] == ("Verify" if truth == DONE else "Roll back")
    assert machine.told("Inspect")[0]["phase"] == "rollback"


@only("staging")
def test_four_lost_answers_in_a_row_end_a_rollback_too(machine: Machine) -> None:
    machine.run(**REVISION, RollBack=[error("Lambda.Unknown")]).ends_as("RollbackFailed")
    assert len(machine.told("RollBack")) == 4
