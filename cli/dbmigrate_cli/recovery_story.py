"""A recovery's history, told as lines: one a state, with what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dbmigrate.domain.words import counted
from dbmigrate_cli.story import AGAIN, SAYINGS, Line, Saying, Story

WORDS = {"only_on_old": "only on the old instance", "recovered": "recovered", "changed": "changed"}

REACHED = {
    "Fence the application": "fenced",
    "Check the restore": "restored",
    "Verify the restored instance": "verified",
    "Compare with the old instance": "compared",
    "Request approval": "approved",
    "Swap the instances": "swapped",
    "Open the new instance": "opened",
}
"""The last answer of a state ends the part that its name belongs to."""


@dataclass
class RecoveryStory(Story):
    """Feed it the events in their order. ``found`` is what the comparison counted; ``times`` are the epoch
    milliseconds at which the parts really ended, as recovery_times wants them: where waits are shortened, the
    state machine's own clock counts them in full."""

    found: dict[str, int] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)

    repeated: ClassVar[frozenset[str]] = frozenset(
        {
            "Wait for the application to stop",
            "Stop the application",
            "Wait for the restore",
            "Check the restore",
            "Verify the restored instance",
            "Compare with the old instance",
            "Wait for the swap",
            "Swap the instances",
            "Wait for the application to start",
            "Start the application",
        }
    )
    again: ClassVar[Mapping[str, str]] = {
        **AGAIN,
        "WrongInstance": "the name still leads to the old instance, will ask again",
    }

    @property
    def sayings(self) -> Mapping[str, Saying]:
        return RECOVERY_SAYINGS

    def tell(self, event: Mapping[str, Any]) -> Line | None:
        now = 1000 * event["timestamp"].timestamp()
        self.times.setdefault("began", now)
        if event["type"] == "TaskSucceeded" and self.state in REACHED:
            self.times[REACHED[self.state]] = now
        return super().tell(event)

    def planned(self, answer: dict[str, Any]) -> str:
        self.plan = plan = answer.get("plan") or answer
        source = f"snapshot {plan['snapshot']}" if plan.get("snapshot") else plan.get("time")
        before = f", just before {plan['before_run']}" if plan.get("before_run") else ""
        return f"{plan['database']} goes back to {source}{before}"

    def fenced(self, answer: dict[str, Any]) -> str:
        ended = counted(answer.get("ended", 0), "session")
        return f"the application is shut out, {ended} of it ended" + _notes(answer)

    def restoring(self, answer: dict[str, Any]) -> str:
        return f"instance {answer['id']}"

    def checked(self, answer: dict[str, Any]) -> str:
        return str(answer.get("status"))

    def verified(self, answer: dict[str, Any]) -> str:
        if answer.get("status") == "working":
            return "reading every row of the copy"
        return "the copy is whole: " + ", ".join(answer.get("checks", ())) + _notes(answer)

    def compared(self, answer: dict[str, Any]) -> str:
        if answer.get("status") == "working":
            return "comparing with the old instance"
        self.plan = answer.get("plan") or self.plan
        self.found = dict(self.plan.get("found") or {})
        return ", ".join(f"{counted(self.found.get(key, 0), 'row')} {word}" for key, word in WORDS.items())

    def swapped(self, answer: dict[str, Any]) -> str:
        done = "; the old instance is kept" if answer.get("status") == "done" else ""
        return str(answer.get("step") or answer.get("status")) + done

    def opened(self, answer: dict[str, Any]) -> str:
        return "the application may come in again" + _notes(answer)

    def hooked(self, answer: dict[str, Any]) -> str:
        known = {"none": "no hook is set", "working": "the hook is at work", "done": "the hook is done"}
        return known.get(str(answer.get("status")), str(answer.get("status")))


def _notes(answer: Mapping[str, Any]) -> str:
    return "".join(f"; {note}" for note in answer.get("notes", ()))


RECOVERY_SAYINGS: Mapping[str, Any] = {
    "Plan the recovery": RecoveryStory.planned,
    "Announce the recovery": SAYINGS["Notify"],
    "Stop the application": RecoveryStory.hooked,
    "Fence the application": RecoveryStory.fenced,
    "Start the restore": RecoveryStory.restoring,
    "Check the restore": RecoveryStory.checked,
    "Verify the restored instance": RecoveryStory.verified,
    "Compare with the old instance": RecoveryStory.compared,
    "Request approval": SAYINGS["Request approval"],
    "Swap the instances": RecoveryStory.swapped,
    "Open the new instance": RecoveryStory.opened,
    "Start the application": RecoveryStory.hooked,
    "Unfence the old instance": RecoveryStory.opened,
    "Discard the restored instance": RecoveryStory.checked,
    "Notify": SAYINGS["Notify"],
}
