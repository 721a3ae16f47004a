"""Call the user's own way to stop or start the application: a function, or an automation document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from dbmigrate.domain.errors import BadRequest, HookFailed

DOCUMENT = "ssm:"
OVER = {"Success": True, "CompletedWithSuccess": True, "Failed": False, "TimedOut": False, "Cancelled": False,
        "CompletedWithFailure": False, "Rejected": False, "Exited": False}  # fmt: skip


class Hooks(Protocol):
    """How a hook is called; see dbmigrate.adapters.hooks."""

    def invoke(self, function: str, payload: Mapping[str, Any]) -> None: ...
    def start(self, document: str) -> str: ...
    def status(self, job: str) -> tuple[str, str]: ...


def call_hook(
    event: Mapping[str, Any], configured: Mapping[str, str], environment: str, hooks: Hooks
) -> dict[str, str]:
    """``status`` is none (nothing is configured), working (ask again with this ``job``) or done.

    ``configured`` has the hook for each ``when``. Raises HookFailed, BadRequest for another ``when``.
    """
    when = event["when"]
    if when not in configured:
        raise BadRequest(f"call_hook: 'when' must be one of {', '.join(configured)}, not '{when}'.")
    hook = configured[when]
    if not hook:
        return {"status": "none"}
    if not hook.startswith(DOCUMENT):
        hooks.invoke(hook, {"recovery": event["recovery"], "when": when, "environment": environment})
        return {"status": "done"}
    before = event.get("job") or {}
    if before.get("status") != "working":
        return {"status": "working", "job": hooks.start(hook.removeprefix(DOCUMENT))}
    return _look(hook, str(before["job"]), hooks)


def _look(hook: str, job: str, hooks: Hooks) -> dict[str, str]:
    status, why = hooks.status(job)
    if OVER.get(status) is False:
        raise HookFailed(
            f"The automation {job} of {hook} ended as {status}: {why or 'no reason given'}",
            f"look at it: aws ssm get-automation-execution --automation-execution-id {job}",
        )
    return {"status": "done" if OVER.get(status) else "working", "job": job}
