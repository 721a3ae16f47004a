"""The story of a recovery: forward when all is well, back before the swap, on behind it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from tests.statemachine.environments import careful, only
from tests.statemachine.machine import lets_it_expire, rejects
from tests.statemachine.recovering import (
    AVAILABLE,
    COMPARED,
    CREATING,
    FINAL,
    SWAPPED,
    WORKING,
    Recovery,
    approves,
    at_the_swap,
    examined,
    fenced,
    restoring,
)
from tests.statemachine.scenario import error

FORWARD = [
    "Read the request", "Check the request", "Plan the recovery", "Decide what was asked",
    "Announce the recovery", "Stop the application", "Decide whether the application has stopped",
    "Fence the application", "Start the restore", "Decide whether the restore is done",
    "Wait for the restore", "Check the restore", "Decide whether the restore is done",
    "Verify the restored instance", "Decide whether to verify on",
    "Compare with the old instance", "Decide whether to compare on",
    "Request approval", "Swap the instances", "Decide whether the swap is done", "Wait for the swap",
    "Swap the instances", "Decide whether the swap is done", "Open the new instance",
    "Start the application", "Decide whether the application has started", "Choose the ending", "Notify",
    "Choose the ending", "Report success",
]  # fmt: skip
BACK = [
    "Unfence the old instance", "Start the application", "Decide whether the application has started",
    "Discard the restored instance", "Choose the ending", "Notify", "Choose the ending", "Report failure",
]  # fmt: skip


def put_back(recovery: Recovery, outcome: str) -> None:
    """It ends so, and everything is as before."""
    recovery.ends_as(outcome)
    assert recovery.states[-len(BACK) :] == BACK
    assert recovery.wishes("Fence")[-1] == "unfence" and recovery.wishes("Restore")[-1] == "discard"
    assert recovery.told("Swap") == []


@careful
def test_a_recovery_goes_forward(recovery: Recovery) -> None:
    recovery.run(person=approves).ends_as("Recovered")
    assert recovery.states == FORWARD
    assert [event["outcome"] for event in recovery.told("Notify")] == ["RecoveryBegan", "Recovered"]
    assert recovery.wishes("Fence") == ["fence", "open"] and recovery.wishes("CallHook") == ["stop", "start"]
    output = json.loads(recovery.result["output"])
    assert output["recovery"] == recovery.name and output["plan"] == FINAL | {"recovery": recovery.name}
    times = output["times"]
    assert list(times) == [
        "began", "fenced", "restored", "verified", "compared", "approved", "swapped", "opened",
    ]  # fmt: skip
    assert sorted(times.values()) == list(times.values())


@careful
def test_what_is_approved_is_what_the_comparison_found(recovery: Recovery) -> None:
    recovery.run(person=approves)
    (asked,) = recovery.told("RequestApproval")
    assert asked["plan"] == FINAL | {"recovery": recovery.name} and asked["run"] == recovery.name
    assert (
        asked["backup"]["integrity"] == {"checks": [], "notes": []} and "compared" in asked["backup"]["times"]
    )
    assert [event["approval"]["digest"] for event in recovery.told("Swap")] == [FINAL["digest"]] * 2


@careful
def test_the_last_notice_knows_the_times_and_the_new_instance(recovery: Recovery) -> None:
    recovery.run(person=approves)
    told = recovery.told("Notify")[-1]
    assert told["swap"]["resource_id"] == "db-NEW" and "opened" in told["times"]
    assert told["execution"] == recovery.arn and told["run"] == recovery.name


@careful
@pytest.mark.parametrize(
    ("person", "outcome"), [(rejects, "RecoveryRejected"), (lets_it_expire, "RecoveryExpired")]
)
def test_a_no_puts_everything_back(recovery: Recovery, person: Any, outcome: str) -> None:
    recovery.run(person=person)
    put_back(recovery, outcome)


FAILURES = {
    "stop hook": {"CallHook": [error("HookFailed"), {"status": "none"}]},
    "fence": {"Fence": [error("FenceFailed")] * 5 + [fenced]},
    "restore": {"Restore": [error("RestoreFailed"), restoring]},
    "quota": {"Restore": [error("RestoreFailed", "InstanceQuotaExceeded"), restoring]},
    "check": {"Restore": [CREATING, error("RestoreFailed", "somebody deleted it"), {"status": "gone"}]},
    "integrity": {"Examine": [error("IntegrityFailed")]},
    "comparison": {"Examine": [examined, *[error("DatabaseUnreachable")] * 5]},
    "approvers": {"RequestApproval": [error("Misconfigured")]},
    "changed plan": {"Swap": [error("PlanOutdated")]},
}


@only("production")
@pytest.mark.parametrize("failure", FAILURES)
def test_whatever_fails_before_the_swap_puts_everything_back(recovery: Recovery, failure: str) -> None:
    recovery.run(person=approves, **FAILURES[failure]).ends_as("RecoveryFailed")
    assert recovery.states[-len(BACK) :] == BACK
    assert recovery.wishes("Fence")[-1] == "unfence" and recovery.wishes("Restore")[-1] == "discard"


@careful
def test_a_restore_beyond_its_budget_is_given_up(recovery: Recovery) -> None:
    recovery.run(Restore=[lambda event: CREATING if event["wish"] != "discard" else {"status": "gone"}])
    put_back(recovery, "RecoveryFailed")
    assert "did not become available within" in recovery.cause
    assert len(recovery.history) < 25_000


@only("staging")
def test_a_busy_database_is_asked_again(recovery: Recovery) -> None:
    busy = [error("DatabaseBusy")] * 5
    recovery.run(person=approves, Restore=[*busy, restoring], Swap=[*busy, WORKING, *busy, SWAPPED])
    recovery.ends_as("Recovered")


@only("staging")
def test_a_name_that_leads_to_the_old_one_is_asked_again(recovery: Recovery) -> None:
    recovery.run(person=approves, Fence=[fenced, *[error("WrongInstance")] * 8, fenced]).ends_as("Recovered")


@only("staging")
def test_a_comparison_goes_on_slice_by_slice(recovery: Recovery) -> None:
    slices = [{"status": "working", "cursor": {"table": name}, "report": {}} for name in ("a", "b")]
    recovery.run(person=approves, Examine=[{"checks": [], "notes": []}, *slices, COMPARED]).ends_as(
        "Recovered"
    )
    cursors = [event["cursor"] for event in recovery.told("Examine") if event["question"] == "compare"]
    assert cursors == [None, {"table": "a"}, {"table": "b"}]


UNFINISHED = {
    "swap": {"Swap": [WORKING, error("SwapFailed", "a name in the way")]},
    "busy": {"Swap": [WORKING, *[error("DatabaseBusy")] * 61]},
    "endless": {"Swap": [WORKING]},
    "open": {"Fence": [fenced, *[error("FenceFailed")] * 5]},
    "wrong": {"Fence": [fenced, *[error("WrongInstance")] * 21]},
}


@only("production")
@pytest.mark.parametrize("failure", UNFINISHED)
def test_whatever_fails_behind_the_swap_only_goes_on(recovery: Recovery, failure: str) -> None:
    recovery.run(person=approves, **UNFINISHED[failure]).ends_as("RecoveryUnfinished")
    command = f"db-migrate --environment production recover --resume {recovery.name}"
    assert recovery.cause.endswith(f" | Run: {command}")
    assert recovery.told("Notify")[-1]["command"] == command
    assert "unfence" not in recovery.wishes("Fence") and "discard" not in recovery.wishes("Restore")


@only("production")
def test_one_that_was_cut_in_its_swap_goes_on_there(recovery: Recovery) -> None:
    recovery.run({"resume": "production-recovery-1"}, PlanRecovery=[at_the_swap]).ends_as("Recovered")
    assert recovery.states[4] == "Swap the instances" and recovery.told("RequestApproval") == []
    assert recovery.told("Swap")[0]["approval"]["digest"] == FINAL["digest"]
    assert {event["recovery"] for event in recovery.told("Fence")} == {"production-recovery-1"}
    assert recovery.told("Notify")[-1]["times"]["began"] == 1


@only("production")
def test_one_that_was_cut_before_passes_every_step_again(recovery: Recovery) -> None:
    recovery.run({"resume": "production-recovery-1"}, person=approves).ends_as("Recovered")
    assert recovery.states == FORWARD
    assert {event["recovery"] for event in recovery.told("Restore")} == {"production-recovery-1"}


@only("production")
def test_a_recovery_is_given_up_by_its_name(recovery: Recovery) -> None:
    recovery.run({"abandon": "production-recovery-1"})
    put_back(recovery, "RecoveryAbandoned")
    assert {event["recovery"] for event in recovery.told("Fence")} == {"production-recovery-1"}
    assert recovery.told("Notify")[-1]["run"] == "production-recovery-1"


@careful
def test_a_refused_recovery_has_touched_nothing(recovery: Recovery) -> None:
    recovery.run(PlanRecovery=[error("RecoveryRefused", "no such snapshot")]).ends_as("RecoveryRefused")
    assert recovery.told("Fence") == recovery.told("CallHook") == []
    recovery.start("no object", raw=True).end().ends_as("RecoveryRefused")


@only("production")
def test_a_fence_that_cannot_be_lifted_says_so(recovery: Recovery) -> None:
    recovery.run(person=rejects, Fence=[fenced, *[error("FenceFailed")] * 5]).ends_as("FenceStands")
    assert recovery.cause.endswith(f"recover --abandon {recovery.name}")
    assert "discard" not in recovery.wishes("Restore")


@only("production")
def test_a_copy_that_cannot_be_deleted_keeps_nobody_waiting(recovery: Recovery) -> None:
    stuck = [CREATING, AVAILABLE, *[error("RestoreFailed")] * 5]
    recovery.run(person=rejects, Restore=stuck).ends_as("RecoveryRejected")
    started = recovery.states.index("Start the application")
    assert started < recovery.states.index("Discard the restored instance")
    assert recovery.cause.endswith(f"recover --abandon {recovery.name}")


@only("production")
@pytest.mark.parametrize(
    "hook",
    [[{"status": "none"}, error("HookFailed")], [{"status": "none"}, {"status": "working", "job": "j"}]],
)
def test_a_hook_that_fails_to_start_takes_no_database_away(recovery: Recovery, hook: list[Any]) -> None:
    recovery.run(person=approves, CallHook=hook).ends_as("ApplicationNotStarted")
    assert recovery.wishes("Fence") == ["fence", "open"]


@only("production")
def test_a_hook_that_takes_its_time_is_waited_for_and_one_without_end_is_not(recovery: Recovery) -> None:
    working = {"status": "working", "job": "j"}
    slow = [working, working, {"status": "done", "job": "j"}, {"status": "none"}]
    recovery.run(person=approves, CallHook=slow).ends_as("Recovered")
    assert [event["job"].get("job") for event in recovery.told("CallHook")][:3] == [None, "j", "j"]
    endless = [working] * 400 + [{"status": "none"}]
    recovery.run(person=approves, CallHook=endless).ends_as("Recovered")
    assert recovery.wishes("CallHook").count("stop") < 400


@careful
@pytest.mark.parametrize("state", ["Request approval", "Wait for the restore"])
def test_an_abort_is_put_back_by_an_event(recovery: Recovery, state: str) -> None:
    recovery.start(Restore=[CREATING] if state == "Wait for the restore" else [restoring])
    recovery.until(lambda: state in recovery.states)
    aborted = recovery.name
    recovery.states_api.stop_execution(executionArn=recovery.arn, error="Stopped", cause="ada")
    recovery.end()
    limit = time.monotonic() + 30
    while not [event for event in recovery.told("Notify") if event.get("outcome") == "RecoveryAbandoned"]:
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert {"abandon": aborted} in [event["request"] for event in recovery.told("PlanRecovery")]
    assert recovery.wishes("Fence")[-1] == "unfence" and recovery.wishes("Restore")[-1] == "discard"
    (interrupted,) = (event for event in recovery.told("Notify") if "detail" in event)
    assert interrupted["detail"]["name"] == aborted
    recovery.cloud.until(
        lambda: recovery.ended_by_itself()["status"] != "RUNNING", 30, lambda: recovery.states
    )
