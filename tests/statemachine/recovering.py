"""One environment's machine of recoveries with fake functions, and what they answer when all is well."""

from __future__ import annotations

import json
from typing import Any

from tests.statemachine.machine import Machine
from tests.statemachine.scenario import DIGEST

PLAN = {
    "digest": DIGEST, "bundle": "", "environment": "any", "direction": "recovery", "from": "", "to": "",
    "pending": [], "total": 0, "reversible": False, "losses": [], "predicted_seconds": 0, "code": "ABCDEF",
    "requested_by": "dev@example.com", "kind": "recovery", "database": "app", "restored": "app-r-1",
    "kept": "app-before-1", "snapshot": "before", "time": None, "found": {},
}  # fmt: skip
FINAL = PLAN | {"digest": "sha256:" + "b" * 64, "found": {"only_on_old": 1, "recovered": 2, "changed": 0}}
NONE = {"status": "none"}
CREATING = {"id": "app-r-1", "status": "creating"}
AVAILABLE = {
    "id": "app-r-1", "status": "available", "host": "h", "port": 5432, "resource_id": "db-NEW",
}  # fmt: skip
CHECKED = {"status": "done", "cursor": None, "checks": [], "notes": []}
COMPARED = {"status": "done", "cursor": None, "report": {}, "plan": FINAL}
SWAPPED = {
    "status": "done",
    "step": "swapped",
    "notes": [],
    "host": "h",
    "port": 5432,
    "resource_id": "db-NEW",
}
WORKING = {"status": "working", "step": "renaming"}


def planned(event: dict[str, Any]) -> dict[str, Any]:
    """What plan_recovery answers: a new recovery, or the one that the request names."""
    asked = event["request"]
    recovery = asked.get("resume") or asked.get("abandon") or event["recovery"]
    return {"plan": PLAN | {"recovery": recovery}, "phase": "restore", "approval": NONE, "times": {}}


def at_the_swap(event: dict[str, Any]) -> dict[str, Any]:
    """What it answers for one that was cut behind the beginning of its swap."""
    answer = planned(event)
    approval = {"status": "approved", "by": "alice@example.com", "digest": FINAL["digest"]}
    times = {"began": 1, "fenced": 2, "verified": 3, "compared": 4, "approved": 5}
    plan = FINAL | {"recovery": answer["plan"]["recovery"]}
    return answer | {"plan": plan, "phase": "swap", "approval": approval, "times": times}


def restoring(event: dict[str, Any]) -> dict[str, Any]:
    return {"start": CREATING, "check": AVAILABLE, "discard": {"status": "gone"}}[event["wish"]]


def examined(event: dict[str, Any]) -> dict[str, Any]:
    if event["question"] == "verify":
        return CHECKED
    return COMPARED | {"plan": FINAL | {"recovery": event["recovery"]}}


def fenced(event: dict[str, Any]) -> dict[str, Any]:
    status = {"fence": "fenced", "unfence": "unfenced", "open": "opened"}[event["wish"]]
    return {"status": status, "changed": [], "ended": 0, "notes": []}


HAPPY = {
    "PlanRecovery": [planned],
    "CallHook": [NONE],
    "Fence": [fenced],
    "Restore": [restoring],
    "Examine": [examined],
    "RequestApproval": [None],
    "Swap": [WORKING, SWAPPED],
    "Notify": [{}],
}


class Recovery(Machine):
    """The machine of recoveries in a test's hands."""

    output = "RecoveryStateMachineArn"
    happy = HAPPY
    green = ("Recovered",)

    def usual(self, request: Any) -> Any:
        return request or {"snapshot": "before", "requested_by": "dev@example.com"}

    def ends_as(self, outcome: str) -> None:
        """The outcome, announced once."""
        assert self.outcome == outcome, (self.cause, self.states)
        assert [event["outcome"] for event in self.told("Notify") if not event["announce"]] == [outcome]

    def wishes(self, verb: str) -> list[str]:
        """What a function was asked for, in order."""
        return [event.get("wish") or event.get("question") or event.get("when") for event in self.told(verb)]

    def ended_by_itself(self) -> dict[str, Any]:
        """The execution that an event has started since."""
        assert self.result["status"] != "SUCCEEDED"
        listed = self.states_api.list_executions(stateMachineArn=self.cloud.outputs[self.output])[
            "executions"
        ]
        newest = max(listed, key=lambda one: one["startDate"])
        return dict(self.states_api.describe_execution(executionArn=newest["executionArn"]))


def approves(machine: Machine) -> None:
    answer = {
        "by": "alice@example.com",
        "digest": FINAL["digest"],
        "at": "2026-01-01T00:00:00Z",
        "comment": "",
    }
    machine.states_api.send_task_success(taskToken=machine.token, output=json.dumps(answer))
