"""Work that is longer than an invocation: waited for, measured in between, and never undone in its middle."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from tests.statemachine.environments import careful, everywhere, only
from tests.statemachine.machine import Machine
from tests.statemachine.scenario import APPLIED, CONTINUE, DONE, PLAN, error, working

from dbmigrate_local.gaps.clock import Wait

BUSY = error("ServerNotReady", "CPU 93 %")
MIDWAY = error("LockNotFreeMidway", "orders")


def command(machine: Machine) -> str:
    return machine.cause.partition(" | Run: ")[2]


def deploy(machine: Machine) -> str:
    return f"db-migrate --environment {machine.environment} deploy"


def work_waits(machine: Machine) -> list[float]:
    """How long the machine waited for the work itself."""
    first = machine.states.index("Upgrade")
    other = machine.states[:first].count("Wait for the backup")
    return [wait.seconds for wait in machine.cloud.waits if wait.kind == "wait"][other:]


@everywhere
def test_the_order_of_a_slice(machine: Machine) -> None:
    machine.run(Upgrade=[working(15), working(), APPLIED, DONE]).ends_as("Succeeded")
    first = machine.states.index("Measure the server")
    last = machine.states.index("Verify")
    upgrade, on = ["Upgrade", "Decide whether to go on"], ["Decide where to go on", "Measure the server"]
    assert machine.states[first:last] == [
        "Measure the server", *upgrade, "Wait for the work", *on, *upgrade, *on, *upgrade, *upgrade,
    ]  # fmt: skip
    assert work_waits(machine)[:1] == [15]


@everywhere
def test_each_invocation_hears_what_the_one_before_it_said(machine: Machine) -> None:
    machine.run(Upgrade=[working(percent=10), working(percent=20), DONE])
    before = [event["before"] for event in machine.told("Upgrade")]
    assert before == [{"status": "none"}, working(percent=10), working(percent=20)]
    assert [event["progress"] for event in machine.told("Measure")] == before


@only("staging")
def test_a_way_back_is_waited_for_and_not_measured(machine: Machine) -> None:
    failed = [APPLIED, error("RevisionFailed")]
    machine.run(Upgrade=failed, RollBack=[working(15), working(), DONE]).ends_as("RolledBack")
    assert machine.states.count("Measure the server") == 1 and machine.states.count("Roll back") == 3
    assert [event["before"] for event in machine.told("RollBack")] == [
        {"status": "none"},
        working(15),
        working(),
    ]


@only("development")
def test_the_longer_it_takes_the_less_often_it_is_asked(machine: Machine) -> None:
    machine.run(Upgrade=[working(15)] * 170 + [DONE]).ends_as("Succeeded")
    waits = work_waits(machine)
    assert waits[:40] == [15] * 40
    # What a state itself takes is taken off the next wait, a second now and then.
    assert all(earlier - 1 <= later for earlier, later in pairwise(waits))
    assert all(
        most - 5 <= wait <= most for wait, most in zip(waits[40::30], (60, 300, 300, 300, 600), strict=True)
    )


@only("development")
def test_work_of_our_own_is_not_held_up(machine: Machine) -> None:
    machine.run(Upgrade=[working()] * 30 + [DONE]).ends_as("Succeeded")
    assert "Wait for the work" not in machine.states


@only("development")
def test_a_good_answer_forgets_the_lost_ones(machine: Machine) -> None:
    lost = [error("Lambda.Unknown")] * 3
    machine.run(Upgrade=[*lost, working(), *lost, working(15), *lost, DONE]).ends_as("Succeeded")


@everywhere
@pytest.mark.parametrize("wait", [None, "soon", -5])
def test_an_odd_wait_is_none_or_a_lost_answer(machine: Machine, wait: Any) -> None:
    machine.run(Upgrade=[working(wait), DONE]).ends_as("Succeeded")
    assert "Wait for the work" not in machine.states


# ---------------------------------------------------------------------------------------------- the server


@everywhere
@pytest.mark.parametrize("name", ["ServerUnfit", "ServerNotReady"])
def test_a_server_that_cannot_take_the_plan_leaves_it_untouched(machine: Machine, name: str) -> None:
    machine.run(Measure=[error(name, "disk")]).ends_as(name)
    assert not machine.told("Upgrade") and command(machine) == ""
    assert machine.cause.startswith(f"{name}: ")


@everywhere
def test_before_anything_is_done_a_busy_server_is_waited_for_as_long_as_the_policy_says(
    machine: Machine,
) -> None:
    machine.run(Measure=[BUSY]).ends_as("ServerNotReady")
    waited = [wait.seconds for wait in machine.cloud.waits if wait.kind == "retry"]
    assert waited[:6] == [60, 120, 240, 300, 300, 300]
    patience = int(machine.policy["ServerPatience"])
    assert patience <= sum(waited) < patience + sum(waited[:6])


@everywhere
def test_a_server_that_calms_down_is_used(machine: Machine) -> None:
    machine.run(Measure=[BUSY] * 3 + [{"status": "ready"}]).ends_as("Succeeded")
    assert machine.cloud.waits[-3:] != [] and machine.states.count("Measure the server") == 1


@careful
def test_between_slices_there_is_more_patience(machine: Machine) -> None:
    ready = {"status": "ready"}
    machine.run(Measure=[ready, *[BUSY] * 100, ready], Upgrade=[working(), DONE]).ends_as("Succeeded")
    machine.run(Measure=[ready, BUSY], Upgrade=[working(), DONE]).ends_as("Unfinished")
    waited = sum(wait.seconds for wait in machine.cloud.waits if wait.kind == "retry")
    assert int(machine.policy["WorkPatience"]) <= waited


@everywhere
def test_a_server_that_becomes_unfit_in_the_middle_leaves_the_run_unfinished(machine: Machine) -> None:
    machine.run(Measure=[{}, error("ServerUnfit", "disk")], Upgrade=[working(), DONE]).ends_as("Unfinished")
    assert command(machine) == deploy(machine)


@everywhere
def test_a_measure_that_cannot_be_taken_is_repeated_and_then_ends_the_run(machine: Machine) -> None:
    machine.run(Measure=[error("KeyError")] * 4 + [{}]).ends_as("Succeeded")
    machine.run(Measure=[error("KeyError", "oops")]).ends_as("ServerNotReady")
    assert "The server could not be measured: KeyError" in machine.cause and not machine.told("Upgrade")


# --------------------------------------------------------------------------------------------- the endings


@everywhere
def test_a_lock_missed_midway_is_waited_for_like_any_other(machine: Machine) -> None:
    machine.run(Upgrade=[*[MIDWAY] * 6, APPLIED, DONE]).ends_as("Succeeded")
    assert len([wait for wait in machine.cloud.waits if wait.kind == "retry"]) == 6


UNFINISHED: dict[str, list[Any]] = {
    "midway": [MIDWAY],
    "midway of a later revision": [APPLIED, MIDWAY],
    "failed": [working(), error("RevisionFailed", "a row breaks the check")],
    "half applied": [working(), error("RevisionHalfApplied")],
    "lock": [working(), error("LockNotFree")],
    "outdated": [working(15), error("PlanOutdated")],
}


@everywhere
@pytest.mark.parametrize("how", UNFINISHED)
def test_what_stands_in_part_is_gone_on_with_and_never_undone(machine: Machine, how: str) -> None:
    machine.run(Upgrade=UNFINISHED[how]).ends_as("Unfinished")
    assert "Roll back" not in machine.states and command(machine) == deploy(machine)
    if machine.policy["Notification"] == "sent":
        assert machine.told("Notify")[-1]["command"] == deploy(machine)


@everywhere
def test_what_the_database_says_is_half_done_counts_after_lost_answers(machine: Machine) -> None:
    half = CONTINUE | {"unfinished": ["backfill orders note: step 1 of 1, write, 5 rows"]}
    machine.run(Upgrade=[APPLIED, error("Lambda.Unknown")], Inspect=[half]).ends_as("Unfinished")
    refused = [APPLIED, error("DatabaseUnreachable"), error("BlockersFound")]
    machine.run(Upgrade=refused, Inspect=[half]).ends_as("Unfinished")
    assert "Roll back" not in machine.states
    machine.run(Upgrade=[error("Lambda.Unknown"), DONE], Inspect=[half]).ends_as("Succeeded")


@everywhere
def test_an_unfinished_downgrade_goes_on_with_its_own_command(machine: Machine) -> None:
    plan = PLAN | {"direction": "downgrade", "rollback_of": "production-abc"}
    machine.run(Validate=[plan], Upgrade=[MIDWAY]).ends_as("Unfinished")
    expected = f"db-migrate --environment {machine.environment} rollback --run production-abc"
    assert command(machine) == expected


@everywhere
@pytest.mark.parametrize("before", [[], [APPLIED], [working(15)]], ids=["first", "later", "midway"])
def test_a_stop_undoes_nothing(machine: Machine, before: list[Any]) -> None:
    machine.run(Upgrade=[*before, error("RunStopped", "ada@example.com")]).ends_as("Stopped")
    assert "Roll back" not in machine.states and "Ask the database" not in machine.states
    assert command(machine) == f"db-migrate --environment {machine.environment} status"


@only("staging")
def test_a_stop_of_the_way_back_is_one_too(machine: Machine) -> None:
    failed = [APPLIED, error("RevisionFailed")]
    machine.run(Upgrade=failed, RollBack=[error("RunStopped")]).ends_as("Stopped")


@only("staging")
@pytest.mark.parametrize("name", ["LockNotFreeMidway", "RevisionFailed"])
def test_a_way_back_that_stays_half_done_is_gone_on_with(machine: Machine, name: str) -> None:
    failed = [APPLIED, error("RevisionFailed")]
    machine.run(Upgrade=failed, RollBack=[working(), error(name)]).ends_as("RollbackFailed")
    assert command(machine) == f"db-migrate --environment staging rollback --run {machine.name}"


@only("staging")
def test_an_abort_in_the_middle_of_work_gives_the_lease_back(machine: Machine) -> None:
    def aborts(event: Any) -> None:
        machine.states_api.stop_execution(executionArn=machine.arn, error="Stopped", cause="by hand")

    machine.run(Upgrade=[working(15), aborts])
    assert machine.result["status"] == "ABORTED"
    (closed,) = machine.told("Close")
    assert closed["detail"]["name"] == machine.name


@everywhere
def test_the_waits_are_seconds_of_the_machine(machine: Machine) -> None:
    machine.run(Upgrade=[working(42), DONE])
    assert Wait("wait", 42) in machine.cloud.waits
