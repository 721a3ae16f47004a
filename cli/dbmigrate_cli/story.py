"""An execution's history, told as lines: one a state, with what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from dbmigrate.domain.words import counted
from dbmigrate_cli.outcomes import spoken
from dbmigrate_cli.working import told

# A change of such a state is news; the same again is not.
REPEATED = frozenset(
    {
        "Wait for the backup",
        "Check the backup",
        "Wait for the next look",
        "Watch the application",
        "Wait for the work",
    }
)
MOVING = {"Upgrade", "Roll back"}
AGAIN = {
    "LockNotFree": "a lock is not free, will try again",
    "DatabaseBusy": "RDS is at work on the database, will try again",
    "StillRunning": "an earlier invocation still works, will ask again",
}


Saying = Callable[[Any, dict[str, Any]], str]


@dataclass(frozen=True)
class Line:
    """Seconds since the run began, the state, what it says; ``mood`` is "good", "bad" or ""."""

    seconds: float
    state: str
    text: str
    mood: str = ""


@dataclass
class Story:
    """Feed it the events in their order. ``audience`` is who gets approval links."""

    audience: list[str] = field(default_factory=list)
    state: str = ""
    plan: dict[str, Any] = field(default_factory=dict)
    approved_by: str | None = None
    backup: str | None = None
    done: list[str] = field(default_factory=list)
    started: datetime | None = None
    _last: dict[str, str] = field(default_factory=dict)

    repeated: ClassVar[frozenset[str]] = REPEATED | MOVING
    again: ClassVar[Mapping[str, str]] = AGAIN

    @property
    def sayings(self) -> Mapping[str, Saying]:
        """What a state's answer says."""
        return SAYINGS

    def tell(self, event: Mapping[str, Any]) -> Line | None:
        """What there is to say about this event."""
        self.started = self.started or event["timestamp"]
        if "stateEnteredEventDetails" in event:
            self.state = event["stateEnteredEventDetails"]["name"]
            return self._line(event, "waiting") if event["type"] == "WaitStateEntered" else None
        teller = TELLERS.get(event["type"])
        return teller(self, event) if teller else None

    def submitted(self, event: Mapping[str, Any]) -> Line | None:
        """A task that waits for its token: people were asked."""
        who = ", ".join(self.audience) or "the approvers"
        return self._line(event, f"personal links e-mailed to {who}; waiting for a decision")

    def succeeded(self, event: Mapping[str, Any]) -> Line | None:
        """A task's answer, in the words of its state."""
        output = json.loads(event["taskSucceededEventDetails"].get("output") or "null")
        answer = output.get("Payload", output) if isinstance(output, dict) else output
        say = self.sayings.get(self.state)
        text = say(self, answer) if say and isinstance(answer, dict) else "done"
        return self._line(event, text, "good" if self.state == "Verify" else "")

    def failed(self, event: Mapping[str, Any]) -> Line | None:
        """A task's error. Some are no failures: the machine waits and tries again."""
        details = next(value for key, value in event.items() if key.endswith("EventDetails"))
        error, (message, _) = details.get("error", event["type"]), spoken(details.get("cause") or "")
        text = self.again.get(error, error)
        said = f"{text}: {message.splitlines()[0]}" if message else text
        return self._line(event, said, "" if error in self.again else "bad")

    def validated(self, plan: dict[str, Any]) -> str:
        self.plan = plan
        if not plan.get("pending"):
            return "nothing is pending"
        found = [f"{count} to {word}" for word, count in plan["findings"].items() if count and word != "note"]
        way_back = "reversible" if plan["reversible"] else "not reversible without loss"
        verb = "to undo" if plan["direction"] == "downgrade" else "pending"
        return ", ".join([f"{counted(plan['total'], 'revision')} {verb}", *found, way_back])

    def backed_up(self, backup: dict[str, Any]) -> str:
        self.backup = backup["id"]
        return f"snapshot {backup['id']}"

    def approved(self, approval: dict[str, Any]) -> str:
        self.approved_by = approval.get("by")
        comment = f": {approval['comment']}" if approval.get("comment") else ""
        return f"approved by {self.approved_by}{comment}"

    def moved(self, progress: dict[str, Any]) -> str:
        if progress.get("status") == "working":
            return f"{progress['completed']}/{progress['total']}  {told(progress['work'])}"
        if progress.get("revision"):
            self.done.append(progress["revision"])
        waits = (
            f", a lock was not free {counted(progress['lock_waits'], 'time')}"
            if progress.get("lock_waits")
            else ""
        )
        what = (
            f"{progress['revision']} in {progress['seconds']:.2f} s"
            if progress.get("revision")
            else progress["status"]
        )
        ended = "".join(f"; ended {text}" for text in progress.get("terminated", ()))
        seen = "".join(f"; in the way: {text}" for text in progress.get("blockers", ()))
        return f"{progress['completed']}/{progress['total']}  {what}{waits}{ended}{seen}"

    def _line(self, event: Mapping[str, Any], text: str, mood: str = "") -> Line | None:
        same = self._last.get(self.state) == text
        # What AWS tries again fails in the same words, and work that waits is asked in vain.
        if same and (self.state in self.repeated or mood == "bad"):
            return None
        self._last[self.state] = text
        assert self.started is not None
        return Line((event["timestamp"] - self.started).total_seconds(), self.state, text, mood)


def _checked(story: Story, backup: dict[str, Any]) -> str:
    part = backup.get("copy") or backup
    where = f"copy in {part['region']} " if part is not backup else ""
    percent = f" ({part['percent']} %)" if part.get("percent") not in (None, 100) else ""
    return f"{where}{part['status']}{percent}"


SAYINGS: dict[str, Saying] = {
    "Validate": Story.validated,
    "Start the backup": Story.backed_up,
    "Check the backup": _checked,
    "Request approval": Story.approved,
    "Announce the force": lambda story, answer: "everyone was told that the approval is skipped",
    "Upgrade": Story.moved,
    "Roll back": Story.moved,
    "Ask the database": lambda story, answer: (
        f"{answer['completed']}/{answer['total']} done, {answer['status']}"
    ),
    "Verify": lambda story, answer: "as rehearsed: " + ", ".join(answer.get("checks", ())),
    "Watch the application": lambda story, answer: "no alarm",
    "Close the run": lambda story, answer: "ledger written, lease given back",
    "Start the recovery": lambda story, answer: f"began {answer['ExecutionArn'].rpartition(':')[2]}",
    "Notify": lambda story, answer: "everyone was told",
}
TELLERS: dict[str, Callable[[Story, Mapping[str, Any]], Line | None]] = {
    "TaskSubmitted": Story.submitted,
    "TaskSucceeded": Story.succeeded,
    "TaskFailed": Story.failed,
    "TaskTimedOut": Story.failed,
    "TaskStartFailed": Story.failed,
    "TaskSubmitFailed": Story.failed,
}
