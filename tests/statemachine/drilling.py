"""One environment's machine of drills with fake functions, and what they answer when all is well."""

from __future__ import annotations

from typing import Any

from tests.statemachine.machine import Machine
from tests.statemachine.recovering import PLAN
from tests.statemachine.scenario import DIGEST, working

DRILL = PLAN | {"kind": "drill", "restored": "app-d-1", "kept": ""}
BACKUP = {"snapshot": "db-migrate-1", "time": None, "age_seconds": 60.0, "rpo_seconds": 5.0}
CREATING = {"id": "app-d-1", "status": "creating"}
AVAILABLE = {"id": "app-d-1", "status": "available", "host": "h", "port": 5432, "resource_id": "db-NEW"}
GONE = {"id": "app-d-1", "status": "gone"}
WHOLE = {"status": "done", "cursor": None, "checks": ["every row was read"], "notes": [], "rows": 7}
ABOUT = {"bundle": DIGEST, "from": "r0", "to": "r2", "total": 2}
APPLIED = ABOUT | {"status": "applied", "revision": "r1", "completed": 1}
DONE = ABOUT | {"status": "done", "revision": "r2", "completed": 2}
WORKING = ABOUT | working(15) | {"completed": 0, "began_at": 1}
NONE = {"status": "none", "completed": 0, "total": 0}
REPORT = {"rto": {"total": 3.5}, "rows": 7}


def planned(event: dict[str, Any]) -> dict[str, Any]:
    """What plan_drill answers: a new drill, or the one that the request names."""
    drill = event["request"].get("discard") or event["drill"]
    return {"plan": DRILL | {"recovery": drill}, "backup": BACKUP, "bundles": [DIGEST]}


def restoring(event: dict[str, Any]) -> dict[str, Any]:
    return {"start": CREATING, "check": AVAILABLE, "discard": GONE}[event["wish"]]


def rehearsed(event: dict[str, Any]) -> dict[str, Any]:
    """What rehearse answers: two revisions one after the other, then that all is as it should be."""
    if event["question"] == "verify":
        return {"checks": ["revision"]}
    return DONE if event["before"]["status"] == "applied" else APPLIED


HAPPY = {
    "PlanDrill": [planned],
    "Restore": [restoring],
    "Examine": [WHOLE],
    "Rehearse": [rehearsed],
    "RecordDrill": [REPORT],
    "Notify": [{}],
}


class Drill(Machine):
    """The machine of drills in a test's hands."""

    output = "DrillStateMachineArn"
    happy = HAPPY
    green = ("DrillPassed", "DrillDiscarded")

    def usual(self, request: Any) -> Any:
        return {"requested_by": "dev@example.com"} | (request or {})

    def ends_as(self, outcome: str, where: str = "") -> None:
        """The outcome, recorded once and announced once."""
        assert self.outcome == outcome, (self.cause, self.states)
        (recorded,) = self.told("RecordDrill")
        assert recorded["outcome"] == outcome and (not where or recorded["where"] == where)
        assert [event["outcome"] for event in self.told("Notify")] == [outcome]

    def wishes(self) -> list[str]:
        """What became of the copy, in order."""
        return [event["wish"] for event in self.told("Restore")]
