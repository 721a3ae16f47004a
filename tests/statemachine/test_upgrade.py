"""Revision by revision, and what lost answers, busy locks and long statements make of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.statemachine.environments import everywhere, only
from tests.statemachine.machine import Machine
from tests.statemachine.scenario import APPLIED, CONTINUE, DONE, error

from dbmigrate_local.gaps.clock import Wait

UNDONE = {"development": "NeedsManualRollback", "staging": "RolledBack", "production": "NeedsManualRollback"}
UNCHANGED = ["BlockersFound", "LockNotFree", "RevisionFailed", "PlanOutdated", "RunInProgress"]
LOST = [
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "States.Timeout",
    "Runtime.ExitError",
    "Lambda.ServiceException",
    "KeyError",
]


@everywhere
def test_slices_and_revisions_are_looped_over(machine: Machine) -> None:
    machine.run(Upgrade=[CONTINUE] * 5 + [APPLIED, CONTINUE, APPLIED, DONE]).ends_as("Succeeded")
    assert machine.states.count("Upgrade") == 9


@everywhere
def test_a_busy_lock_is_waited_for_by_the_machine(machine: Machine) -> None:
    busy = [error("LockNotFree")] * 6
    machine.run(Upgrade=[*busy, APPLIED, *busy, APPLIED, DONE]).ends_as("Succeeded")
    retries = [wait.seconds for wait in machine.cloud.waits if wait.kind == "retry"]
    assert len(retries) == 12 and len(set(retries)) == 12  # afresh for each revision, and with jitter
    assert all(got <= most for got, most in zip(retries[:6], (15, 30, 60, 120, 240, 300), strict=True))


@everywhere
@pytest.mark.parametrize("name", UNCHANGED)
def test_a_first_revision_that_changed_nothing_leaves_nothing_to_undo(machine: Machine, name: str) -> None:
    machine.run(Upgrade=[error(name, "orders")]).ends_as(name)
    assert not {"Roll back", "Ask the database", "Verify"} & set(machine.states)
    assert machine.cause.startswith(f"{name}: ") and " | Run: " not in machine.cause
    assert len(machine.told("Upgrade")) == (7 if name == "LockNotFree" else 1)


@everywhere
@pytest.mark.parametrize("name", UNCHANGED)
def test_after_a_first_revision_each_of_them_is_a_failure(machine: Machine, name: str) -> None:
    machine.run(Upgrade=[APPLIED, error(name, "orders")]).ends_as(UNDONE[machine.environment])


@everywhere
def test_a_half_applied_revision_is_never_nothing(machine: Machine) -> None:
    machine.run(Upgrade=[error("RevisionHalfApplied", "an invalid index")]).ends_as("NeedsManualRollback")
    assert not {"Ask the database", "Roll back"} & set(machine.states)
    look = "reset" if machine.environment == "development" else f"--environment {machine.environment} status"
    assert machine.cause.endswith(f" | Run: db-migrate {look}")


@everywhere
def test_a_long_statement_is_waited_for(machine: Machine) -> None:
    machine.run(Upgrade=[error("StillRunning")] * 30 + [APPLIED, DONE]).ends_as("Succeeded")
    assert [wait for wait in machine.cloud.waits if wait.kind == "retry"] == [Wait("retry", 60)] * 30


@only("development")
@pytest.mark.parametrize("lost", LOST)
def test_a_lost_answer_asks_the_database(machine: Machine, lost: str) -> None:
    times = 6 if lost == "Lambda.ServiceException" else 1  # that one is retried five times first
    machine.run(Upgrade=[APPLIED, *[error(lost)] * times, APPLIED, DONE]).ends_as("Succeeded")
    assert machine.states.count("Ask the database") == 1
    (asked,) = machine.told("Inspect")
    assert set(asked) == {"run", "plan", "phase", "failure"} and asked["failure"]["Error"] == lost


@everywhere
@pytest.mark.parametrize("truth", ["applied", "continue", "done", "failed"])
def test_the_databases_answer_decides(machine: Machine, truth: str) -> None:
    machine.run(Upgrade=[APPLIED, error("Lambda.Unknown"), DONE], Inspect=[{"status": truth}])
    machine.ends_as(UNDONE[machine.environment] if truth == "failed" else "Succeeded")
    after = machine.states[machine.states.index("Ask the database") + 2]
    assert after == {"done": "Verify", "failed": "Choose the remedy"}.get(truth, "Upgrade")


@everywhere
def test_four_lost_answers_in_a_row_end_the_upgrade(machine: Machine) -> None:
    machine.run(Upgrade=[error("Lambda.Unknown")]).ends_as(UNDONE[machine.environment])
    assert len(machine.told("Upgrade")) == 4


@everywhere
def test_lost_answers_are_counted_in_a_row(machine: Machine) -> None:
    machine.run(Upgrade=([error("Lambda.Unknown")] * 3 + [APPLIED]) * 3 + [DONE]).ends_as("Succeeded")


@everywhere
def test_asking_is_repeated_while_the_database_is_away(machine: Machine) -> None:
    away = [error("DatabaseUnreachable")] * 4
    machine.run(Upgrade=[error("Sandbox.Timedout"), DONE], Inspect=[*away, CONTINUE]).ends_as("Succeeded")


@everywhere
def test_a_database_that_never_answers_is_a_failure(machine: Machine) -> None:
    machine.run(Upgrade=[error("Sandbox.Timedout"), DONE], Inspect=[error("DatabaseUnreachable")])
    machine.ends_as(UNDONE[machine.environment])


@only("production")
@pytest.mark.parametrize("answer", [None, "odd", [], {}, {"status": "nonsense"}, {"status": 7}])
def test_an_answer_that_is_none_of_ours_is_a_failure(machine: Machine, answer: Any) -> None:
    machine.run(Upgrade=[answer]).ends_as(UNDONE[machine.environment])
    assert machine.cause.startswith("UnexpectedAnswer: ")


@only("development")
def test_the_order_after_a_lost_answer(machine: Machine) -> None:
    machine.run(Upgrade=[error("Lambda.Unknown"), DONE])
    order = [verb for verb, _ in machine.scenario.calls if verb in ("Upgrade", "Inspect")]
    assert order == ["Upgrade", "Inspect", "Upgrade"]
