"""A tour through every arrow of a recovery's definition."""

from __future__ import annotations

from typing import Any

from tests.statemachine.environments import careful
from tests.statemachine.machine import rejects
from tests.statemachine.recovering import (
    CHECKED,
    WORKING,
    Recovery,
    approves,
    at_the_swap,
    examined,
    fenced,
    restoring,
)
from tests.statemachine.scenario import error
from tests.template.definition import RECOVERY

HOOK = {"status": "working", "job": "j"}
BROKEN, FIVE = error("KeyError"), [error("KeyError")] * 5
TOUR: list[tuple[Any, dict[str, Any]]] = [
    ({}, {}),
    ({}, {"PlanRecovery": [error("RecoveryRefused")]}),
    ({}, {"Notify": [BROKEN]}),
    ({"abandon": "r-1"}, {}),
    ({"resume": "r-1"}, {"PlanRecovery": [at_the_swap]}),
    ({}, {"CallHook": [HOOK, {"status": "done"}, HOOK, {"status": "done"}]}),
    ({}, {"CallHook": [error("HookFailed"), {"status": "none"}]}),
    ({}, {"CallHook": [{"status": "none"}, error("HookFailed")]}),
    ({}, {"Fence": [error("FenceFailed")] * 5 + [fenced]}),
    ({}, {"Restore": [error("RestoreFailed"), restoring]}),
    ({}, {"Restore": [{"status": "available"}, restoring]}),
    ({}, {"Restore": [{"status": "creating"}, error("RestoreFailed"), restoring]}),
    ({}, {"Restore": [{"status": "odd"}, restoring]}),
    ({}, {"Examine": [error("IntegrityFailed")]}),
    ({}, {"Examine": [CHECKED, error("IntegrityFailed")]}),
    ({}, {"Examine": [{"status": "working", "cursor": {"left": 1}}, examined]}),
    ({}, {"Examine": [CHECKED, {"status": "working", "cursor": {"left": 1}}, examined]}),
    ({}, {"Swap": [WORKING, error("SwapFailed")]}),
    ({}, {"Swap": [error("PlanOutdated")]}),
    ({}, {"Swap": [{"status": "odd"}]}),
    ({}, {"Fence": [fenced, *FIVE]}),
]
BACK: list[dict[str, Any]] = [
    {"Fence": [fenced, *FIVE]},
    {"Restore": [{"status": "available"}, *FIVE]},
    {"CallHook": [{"status": "none"}, HOOK, {"status": "done"}]},
]
# Only where the policy asks for no approval, as no environment that recovers does today.
NEVER = {("Decide whether to compare on", "Swap the instances")}


@careful
def test_every_arrow_is_walked(recovery: Recovery) -> None:
    walked: set[tuple[str, str]] = set()
    for request, script in TOUR:
        walked |= recovery.run(request, person=approves, **script).arrows
    for script in BACK:
        walked |= recovery.run(person=rejects, **script).arrows
    walked |= recovery.start("no object", raw=True).end().arrows
    assert set(RECOVERY.arrows()) - walked == NEVER
