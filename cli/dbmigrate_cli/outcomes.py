"""How a run ended: its outcome, what the machine said about it, and the command's exit code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbmigrate.domain.errors import NEXT

EXIT_CODES = {
    **dict.fromkeys(("Succeeded", "NothingPending"), 0),
    **dict.fromkeys(("BackupFailed", "ApprovalFailed", "LockNotFree", "RevisionFailed", "RolledBack"), 1),
    "ServerNotReady": 1,
    **dict.fromkeys(("ValidationFailed", "ForceRefused", "ApprovalRejected", "ApprovalExpired"), 3),
    **dict.fromkeys(("PlanOutdated", "RunInProgress", "BlockersFound", "ServerUnfit"), 3),
    **dict.fromkeys(("NeedsManualRollback", "RollbackFailed", "Unfinished", "Stopped"), 4),
    "RecoveryStarted": 4,
    **dict.fromkeys(("Recovered", "RecoveryAbandoned"), 0),
    "RecoveryFailed": 1,
    **dict.fromkeys(("RecoveryRefused", "RecoveryRejected", "RecoveryExpired"), 3),
    **dict.fromkeys(("RecoveryUnfinished", "FenceStands", "ApplicationNotStarted"), 4),
    **{"DrillPassed": 0, "DrillDiscarded": 0, "DrillFailed": 1, "DrillRefused": 3, "DrillLeftBehind": 4},
}
NEEDS_PERSON = 4
STOPPED = "Stopped"
"""The error that a person's stop gives to the execution."""
SAID = {
    "ValidationFailed": "The run was refused: nothing was changed.",
    "ForceRefused": "The force was refused: nothing was changed.",
    "ApprovalRejected": "The run was rejected: nothing was changed.",
    "ApprovalExpired": "Nobody approved in time: nothing was changed.",
    "ApprovalFailed": "The approval could not be asked for: nothing was changed.",
    "PlanOutdated": "The database changed meanwhile: this run changed nothing.",
    "RunInProgress": "Another run holds the database: this run changed nothing.",
    "BackupFailed": "There is no backup: nothing was changed.",
    "BlockersFound": "Somebody would have had to wait: nothing was changed.",
    "ServerUnfit": "The server is no place for this plan: nothing was changed.",
    "ServerNotReady": "The server had too much to do: nothing was changed.",
    "LockNotFree": "A lock was never free: nothing was changed.",
    "RevisionFailed": "The first revision failed and was rolled back: nothing was changed.",
    "RolledBack": "The run failed and was rolled back: the database is as it was before.",
    "Unfinished": "A revision was done in part: what it did stands, and the next run goes on there.",
    "NeedsManualRollback": "The run failed, and a person must decide what happens to what it did.",
    "RecoveryStarted": "The run failed, and a recovery began: it will ask its approvers before it swaps.",
    "RollbackFailed": "The run failed and so did its rollback: a person must look.",
    STOPPED: "The run was stopped by a person: look where it stood.",
    "RecoveryAbandoned": "The recovery was given up: the application has its database as it was before.",
    "RecoveryFailed": "The recovery failed before its swap: everything is as it was before.",
    "RecoveryRefused": "The recovery was refused: this request changed nothing.",
    "RecoveryRejected": "The recovery was rejected: everything is as it was before.",
    "RecoveryExpired": "Nobody approved the recovery in time: everything is as it was before.",
    "RecoveryUnfinished": "The swap has begun and did not end: the application is shut out until it does.",
    "FenceStands": "The recovery was given up, but the application is still shut out.",
    "ApplicationNotStarted": "The database is recovered and open; what starts the application failed.",
    "DrillFailed": "The drill failed: a recovery, or the pending bundle, would fail like this.",
    "DrillRefused": "The drill was refused: there was nothing to restore.",
    "DrillLeftBehind": "The copy of the drill could not be deleted: it costs money and holds all the data.",
    "Aborted": "The run was stopped from outside: a person must look where it stood.",
    "TimedOut": "The run took longer than it may: a person must look where it stands.",
}


@dataclass(frozen=True)
class Ending:
    """The last word of an execution. ``name`` is the error behind it, ``command`` what comes next."""

    outcome: str
    name: str = ""
    why: str = ""
    command: str = ""

    @property
    def exit_code(self) -> int:
        """An ending that is none of ours, like the machine's timeout, leaves things open."""
        return EXIT_CODES.get(self.outcome, NEEDS_PERSON)

    @property
    def said(self) -> str:
        """The outcome as a sentence, and why."""
        sentence = SAID.get(self.outcome, f"The run ended as {self.outcome}: a person must look.")
        return f"{sentence}\n{self.name}: {self.why}" if self.why else sentence


def ending_of(described: Mapping[str, Any], status_command: str) -> Ending:
    """The ending of an execution as DescribeExecution tells it."""
    status = described["status"]
    if status == "SUCCEEDED":
        return Ending(json.loads(described["output"])["outcome"])
    if status in ("ABORTED", "TIMED_OUT"):
        stopped = described.get("error") == STOPPED
        outcome = STOPPED if stopped else "Aborted" if status == "ABORTED" else "TimedOut"
        return Ending(outcome, described.get("error") or "", described.get("cause") or "", status_command)
    outcome, cause = described.get("error") or "Unknown", described.get("cause") or ""
    text, _, command = cause.rpartition(" | Run: ") if " | Run: " in cause else (cause, "", "")
    name, _, rest = text.partition(": ")
    message, hint = spoken(rest if name.isidentifier() else text)
    return Ending(
        outcome, name if name.isidentifier() else outcome, message, command or hint or status_command
    )


def spoken(cause: str) -> tuple[str, str]:
    """Message and hint of a failed function: AWS wraps them in JSON, and we wrote the hint after "Next: "."""
    try:
        wrapped = json.loads(cause)
    except ValueError:
        wrapped = cause
    text = str(wrapped.get("errorMessage", cause)) if isinstance(wrapped, dict) else cause
    message, _, hint = text.partition(NEXT)
    return message.strip(), hint.strip()
