"""A tour through every arrow of the definition that an environment's policy can ever take."""

from __future__ import annotations

from typing import Any

from tests.statemachine.environments import only
from tests.statemachine.machine import Machine, rejects
from tests.statemachine.scenario import APPLIED, CONTINUE, DONE, PLAN, error, working
from tests.template.definition import STATES, arrows

FAILED = {"Upgrade": [APPLIED, error("RevisionFailed")]}
LOSSY = FAILED | {
    "Validate": [PLAN | {"reversible": False, "requested_by": "dev@example.com"}],
    "PlanRecovery": [error("RecoveryRefused")],
}
LOST = [error("Lambda.Unknown"), DONE]
FORCE = {"force": True, "reason": "shop is down"}
TOUR: list[tuple[Any, dict[str, Any]]] = [
    ({}, {}),
    (FORCE, {}),
    (FORCE, {"Notify": [error("KeyError"), {}]}),
    ({"force": True}, {}),
    ({}, {"Validate": [error("KeyError")]}),
    ({}, {"Validate": [PLAN | {"pending": []}]}),
    ({}, {"StartBackup": [error("KeyError")]}),
    ({}, {"CheckBackup": [error("KeyError")]}),
    ({}, {"CheckBackup": [{"status": "failed"}]}),
    ({}, {"Upgrade": LOST}),
    ({}, {"Upgrade": LOST, "Inspect": [DONE]}),
    ({}, {"Upgrade": LOST, "Inspect": [error("KeyError")]}),
    ({}, {"Upgrade": [error("LockNotFree")]}),
    ({}, {"Upgrade": [error("RunStopped")]}),
    ({}, {"Upgrade": [working(), working(15), DONE]}),
    ({}, {"Measure": [error("ServerUnfit")]}),
    ({}, {"Measure": [error("ServerNotReady")]}),
    ({}, FAILED | {"RollBack": [working(15), DONE]}),
    ({}, {"Upgrade": [{"status": "odd"}]}),
    ({}, {"Verify": [error("VerificationFailed"), {}]}),
    ({}, {"Watch": [error("AlarmRaised")]}),
    ({}, FAILED),
    ({}, FAILED | {"RollBack": [error("RevisionFailed")]}),
    ({}, FAILED | {"RollBack": LOST, "Inspect": [CONTINUE]}),
    ({}, LOSSY),
    ({}, {"Close": [error("KeyError")], "Notify": [error("KeyError")]}),
]
BACKUP = {"Start the backup", "Wait for the backup", "Check the backup"}
WATCH = {"Wait for the next look", "Watch the application"}
NEVER = {
    "development": BACKUP
    | WATCH
    | {"Request approval", "Announce the force", "Notify", "Roll back", "Start the recovery"},
    "staging": {"Start the recovery"},
    "staging+recovery": set(),
    "production": {"Announce the force", "Roll back", "Start the recovery"},
}


@only(*NEVER)
def test_every_arrow_is_walked(machine: Machine) -> None:
    walked: set[tuple[str, str]] = machine.run(person=rejects).arrows
    for request, script in TOUR:
        walked |= machine.run(request, **script).arrows
    walked |= machine.start("no object", raw=True).end().arrows
    recovers = "+recovery" if machine.policy["Recovery"] == "automatic" else ""
    never = NEVER[machine.environment + recovers]
    possible = {arrow for arrow in arrows() if not set(arrow) & never}
    assert possible - walked == set()
    assert not {state for arrow in walked for state in arrow} & never


def test_every_state_is_possible_somewhere() -> None:
    assert set.intersection(*NEVER.values()) == set() and set.union(*NEVER.values()) <= set(STATES)
