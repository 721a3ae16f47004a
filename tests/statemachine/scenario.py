"""What the fake functions answer: a list for each verb, played in order; the last answer repeats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DIGEST = "sha256:" + "a" * 64
PLAN = {
    "digest": DIGEST, "bundle": DIGEST, "environment": "any", "direction": "upgrade",
    "from": "r0", "to": "r2", "pending": ["r1", "r2"], "total": 2, "reversible": True,
    "losses": [], "rollback_of": None,
}  # fmt: skip
APPLIED, CONTINUE, DONE = ({"status": word} for word in ("applied", "continue", "done"))
WORK = {"revision": "r1", "operation": "create_index_concurrently", "table": "orders", "step": "build"}


def working(wait: float = 0, **work: Any) -> dict[str, Any]:
    """The answer of a step that is not done yet: ask again after so many seconds."""
    return {"status": "working", "wait": wait, "work": WORK | work}


HAPPY = {
    "Validate": [PLAN],
    "StartBackup": [{"id": f"db-migrate-{number}", "kind": "instance"} for number in (1, 2, 3)],
    "CheckBackup": [{"status": "creating", "percent": 50}, {"status": "available", "percent": 100}],
    "RequestApproval": [None],
    "Measure": [{"status": "ready"}],
    "Upgrade": [APPLIED, APPLIED, DONE],
    "RollBack": [APPLIED, DONE],
    "Inspect": [CONTINUE],
    "Verify": [{}],
    "Watch": [{}],
    "Close": [{}],
    "Notify": [{}],
    "Steer": [{}],
}
Answers = list[Any]


def error(name: str, message: str = "because") -> Exception:
    """An exception whose class has this name, which is all that a state machine sees of it."""
    return type(name, (Exception,), {})(message)


class Scenario:
    """The script of one run, and what each function was told."""

    def __init__(self) -> None:
        self.begin()

    def begin(self, **changed: Answers) -> None:
        """Start afresh: everything goes well, except what is changed."""
        self.script = {verb: list(answers) for verb, answers in (HAPPY | changed).items()}
        self.calls: list[tuple[str, Any]] = []

    def handlers(self, *verbs: str) -> dict[str, Callable[[Any, Any], Any]]:
        """A fake for each function, by logical id; more verbs are those of another machine."""
        return {f"{verb}Function": self._handler(verb) for verb in (*HAPPY, *verbs)}

    def told(self, verb: str) -> list[Any]:
        """The events that a function got, oldest first."""
        return [event for name, event in self.calls if name == verb]

    def _handler(self, verb: str) -> Callable[[Any, Any], Any]:
        def handler(event: Any, context: Any) -> Any:
            self.calls.append((verb, event))
            answers = self.script[verb]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, Exception):
                raise answer.with_traceback(None)  # one that was raised before has grown
            return answer(event) if callable(answer) else answer

        return handler
