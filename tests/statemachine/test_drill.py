"""The story of a drill: whatever happens to it, its copy is deleted, its end recorded and told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.statemachine.drilling import (
    AVAILABLE,
    CREATING,
    DONE,
    NONE,
    REPORT,
    WHOLE,
    WORKING,
    Drill,
    rehearsed,
    restoring,
)
from tests.statemachine.environments import careful, only
from tests.statemachine.scenario import DIGEST, error
from tests.template.definition import DRILL

FORWARD = [
    "Read the request", "Check the request", "Choose the backup", "Decide what was asked",
    "Start the restore", "Decide whether the restore is done", "Wait for the restore", "Check the restore",
    "Decide whether the restore is done", "Verify the copy", "Decide whether to verify on",
    "Rehearse the bundle", "Decide whether to rehearse on", "Rehearse the bundle",
    "Decide whether to rehearse on", "Verify the rehearsal", "Discard the copy", "Choose the ending",
    "Record the drill", "Choose the ending", "Notify", "Choose the ending", "Report success",
]  # fmt: skip
BROKEN = error("KeyError")
SLICE = {"status": "working", "cursor": {"left": 1}}


@careful
def test_a_drill_goes_forward(drill: Drill) -> None:
    drill.run().ends_as("DrillPassed", "upgrade")
    assert drill.states == FORWARD and drill.wishes() == ["start", "check", "discard"]
    (recorded,) = drill.told("RecordDrill")
    assert list(recorded["times"]) == ["began", "restored", "verified", "upgraded"]
    assert recorded["integrity"] == WHOLE and recorded["verdict"] == "DrillPassed"
    output = json.loads(drill.result["output"])
    assert output["report"] == REPORT == drill.told("Notify")[0]["report"]


@careful
def test_every_step_knows_whose_copy_it_is(drill: Drill) -> None:
    drill.run()
    assert {event["recovery"] for event in [*drill.told("Restore"), *drill.told("Examine")]} == {drill.name}
    assert {event["drill"] for event in drill.told("Rehearse")} == {drill.name}
    assert drill.told("Rehearse")[0]["bundles"] == [DIGEST]


@careful
def test_nothing_pending_is_a_drill_that_passed(drill: Drill) -> None:
    drill.run(Rehearse=[NONE]).ends_as("DrillPassed", "upgrade")
    assert "Verify the rehearsal" not in drill.states
    assert "upgraded" not in drill.told("RecordDrill")[0]["times"]


FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "quota": ("restore", {"Restore": [error("RestoreFailed"), restoring]}),
    "gone": ("restore", {"Restore": [CREATING, error("RestoreFailed"), restoring]}),
    "odd": ("restore", {"Restore": [{"status": "odd"}, restoring]}),
    "damage": ("verify", {"Examine": [SLICE, error("IntegrityFailed", "orders cannot be read")]}),
    "revision": ("upgrade", {"Rehearse": [rehearsed, error("RevisionFailed", "0002: duplicate key")]}),
    "bundle": ("upgrade", {"Rehearse": [error("EditedRevision")]}),
    "wrong instance": ("upgrade", {"Rehearse": [error("WrongInstance")]}),
    "verification": ("upgrade", {"Rehearse": [DONE, error("VerificationFailed")]}),
    "anything": ("upgrade", {"Rehearse": [BROKEN]}),
}


@only("staging")
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_says_where_and_leaves_no_copy(drill: Drill, failure: str) -> None:
    where, script = FAILURES[failure]
    drill.run(**script).ends_as("DrillFailed", where)
    assert drill.wishes()[-1] == "discard"
    (recorded,) = drill.told("RecordDrill")
    assert recorded["verdict"] == "DrillFailed" and recorded["failure"]["Error"] in drill.cause


@only("staging")
def test_a_verdict_is_not_asked_for_twice(drill: Drill) -> None:
    for verb, name in (("Examine", "IntegrityFailed"), ("Rehearse", "RevisionFailed")):
        drill.run(**{verb: [error(name)]})
        assert len(drill.told(verb)) == 1


@only("staging")
def test_a_copy_that_never_comes_up_is_given_up_and_deleted(drill: Drill) -> None:
    def never(event: dict[str, Any]) -> dict[str, Any]:
        return CREATING if event["wish"] != "discard" else {"id": "app-d-1", "status": "gone"}

    drill.run(Restore=[never]).ends_as("DrillFailed", "restore")
    assert "did not become available" in drill.cause and drill.wishes()[-1] == "discard"
    waited = [wait.seconds for wait in drill.cloud.waits]
    assert sum(waited) >= int(drill.policy["RestoreBudget"]) and set(waited) == {10, 60}


@only("staging")
def test_a_copy_that_cannot_be_deleted_is_named_with_its_command(drill: Drill) -> None:
    script = {"Restore": [CREATING, AVAILABLE, error("RestoreFailed", "DeletionProtection")]}
    drill.run(**script).ends_as("DrillLeftBehind")
    (recorded,) = drill.told("RecordDrill")
    assert recorded["verdict"] == "DrillPassed" and "DeletionProtection" in drill.cause
    assert drill.cause.endswith(f"| Run: db-migrate --environment staging drill --discard {drill.name}")
    script = {"Restore": [error("RestoreFailed", "quota"), error("RestoreFailed", "DeletionProtection")]}
    drill.run(**script).ends_as("DrillLeftBehind", "restore")
    assert "quota" in drill.cause and "DeletionProtection" in drill.cause
    assert drill.told("RecordDrill")[0]["verdict"] == "DrillFailed"


@only("staging")
def test_a_copy_left_behind_is_deleted_on_request(drill: Drill) -> None:
    drill.run({"discard": "staging-drill-1"}).ends_as("DrillDiscarded")
    assert drill.wishes() == ["discard"] and drill.told("Restore")[0]["recovery"] == "staging-drill-1"
    assert drill.told("RecordDrill")[0]["drill"] == "staging-drill-1" and drill.told("Examine") == []


@careful
def test_an_abort_in_the_middle_deletes_the_copy(drill: Drill) -> None:
    def aborted(event: dict[str, Any]) -> dict[str, Any]:
        drill.states_api.stop_execution(executionArn=drill.arn)
        return WHOLE

    drill.start(Examine=[aborted])
    drill.end()
    drill.until(lambda: bool(drill.told("Notify")))
    assert drill.result["status"] == "ABORTED" and drill.wishes()[-1] == "discard"
    assert drill.told("PlanDrill")[-1]["request"] == {"discard": drill.name}
    assert drill.told("RecordDrill")[-1]["outcome"] == "DrillDiscarded"


@only("staging")
def test_no_backup_is_recorded_and_told_like_a_failure(drill: Drill) -> None:
    drill.run(PlanDrill=[error("DrillRefused", "no snapshot")]).ends_as("DrillRefused", "choose")
    assert drill.wishes() == [] and "no snapshot" in drill.cause


TOUR: list[tuple[Any, dict[str, Any]]] = [
    ({}, {}),
    ({"discard": "d-1"}, {}),
    ({}, {"PlanDrill": [error("DrillRefused")]}),
    ({}, {"Restore": [AVAILABLE, restoring]}),
    ({}, {"Restore": [error("RestoreFailed"), restoring]}),
    ({}, {"Restore": [CREATING, error("RestoreFailed"), restoring]}),
    ({}, {"Restore": [{"status": "odd"}, restoring]}),
    ({}, {"Restore": [AVAILABLE, BROKEN]}),
    ({}, {"Examine": [SLICE, WHOLE]}),
    ({}, {"Examine": [error("IntegrityFailed")]}),
    ({}, {"Rehearse": [NONE]}),
    ({}, {"Rehearse": [WORKING, WORKING | {"wait": 0}, rehearsed]}),
    ({}, {"Rehearse": [error("RevisionFailed")]}),
    ({}, {"Rehearse": [DONE, error("VerificationFailed")]}),
    ({}, {"RecordDrill": [BROKEN]}),
    ({}, {"Notify": [BROKEN]}),
]


@careful
def test_every_arrow_is_walked(drill: Drill) -> None:
    walked: set[tuple[str, str]] = set()
    for request, script in TOUR:
        walked |= drill.run(request, **script).arrows
    walked |= drill.start("no object", raw=True).end().arrows
    assert set(DRILL.arrows()) - walked == set()
