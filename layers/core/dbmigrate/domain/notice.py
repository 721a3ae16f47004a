"""The notice that ends a run: what happened, where, how long, which revisions, who approved, what to do
next."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from dbmigrate.domain.backup_words import backup_words, point_in_time_line
from dbmigrate.domain.drill_outcomes import DRILL_OUTCOMES
from dbmigrate.domain.drill_words import drill_facts
from dbmigrate.domain.outcome import Outcome
from dbmigrate.domain.recovery_notice import left_to_do, recovery_facts, took
from dbmigrate.domain.recovery_outcomes import RECOVERY_OUTCOMES
from dbmigrate.domain.words import counted, duration

MOST_SUBJECT = 99
MOST_CAUSE = 1_500

DEPLOY = "db-migrate --environment {environment} deploy"
STATUS = "db-migrate --environment {environment} status"
ROLLBACK = "db-migrate --environment {environment} rollback --run {run}"
RECOVERIES = "db-migrate --environment {environment} recover --list"
LOSSY = {"NeedsManualRollback", "RecoveryStarted"}
UNCHANGED = "The database is unchanged."

OUTCOMES = {
    "Succeeded": Outcome("upgraded", "Every revision was applied and verified.", failed=False),
    "NothingPending": Outcome("nothing to do", "The database already has every revision.", failed=False),
    "Forced": Outcome(
        "FORCED, upgrade begins without approval",
        "Somebody skipped the approval, which the policy allows with a reason.",
        "to stop it, abort the execution in the console now",
        failed=False,
    ),
    "ValidationFailed": Outcome("refused by validation", f"The plan was refused. {UNCHANGED}", DEPLOY),
    "ForceRefused": Outcome(
        "force refused", f"The policy does not allow to skip the approval. {UNCHANGED}", DEPLOY
    ),
    "ApprovalRejected": Outcome("rejected", f"An approver said no. {UNCHANGED}", DEPLOY),
    "ApprovalExpired": Outcome(
        "approval expired", f"Nobody decided in time: that is a no. {UNCHANGED}", DEPLOY
    ),
    "ApprovalFailed": Outcome("approval not asked", f"The approvers could not be asked. {UNCHANGED}", DEPLOY),
    "PlanOutdated": Outcome(
        "plan outdated", f"What was approved is not what would run now. {UNCHANGED}", DEPLOY
    ),
    "RunInProgress": Outcome("another run is active", f"Another run holds the database. {UNCHANGED}", STATUS),
    "BackupFailed": Outcome("backup failed", f"Without a backup nothing is upgraded. {UNCHANGED}", DEPLOY),
    "BlockersFound": Outcome(
        "blocked", f"Somebody would have been made to wait, which the policy refuses. {UNCHANGED}", DEPLOY
    ),
    "ServerUnfit": Outcome(
        "server unfit", f"This plan must not run on the server as it is. {UNCHANGED}", DEPLOY
    ),
    "ServerNotReady": Outcome(
        "server not ready", f"The server had too much to do for too long. {UNCHANGED}", DEPLOY
    ),
    "LockNotFree": Outcome("lock not free", f"Other sessions kept a table locked. {UNCHANGED}", DEPLOY),
    "RevisionFailed": Outcome(
        "revision failed", f"The revision failed and was rolled back whole. {UNCHANGED}", DEPLOY
    ),
    "RolledBack": Outcome(
        "rolled back", "A step failed; every revision of this run was undone and verified.", DEPLOY
    ),
    "Unfinished": Outcome(
        "UNFINISHED",
        "A revision was done in part. What it did stands, and the next run goes on there.",
        DEPLOY,
    ),
    "Stopped": Outcome("stopped", "Somebody stopped the run. What was committed stands.", STATUS),
    "NeedsManualRollback": Outcome(
        "NEEDS A PERSON",
        "A step failed after the upgrade began. Nothing was undone by itself.",
        ROLLBACK,
        critical=True,
    ),
    "RecoveryStarted": Outcome(
        "FAILED, A RECOVERY BEGAN",
        "A step failed after the upgrade began, and the way back would lose data. The application is shut "
        "out and the moment before the run restored beside the database; then the approvers are asked.",
        RECOVERIES,
        critical=True,
    ),
    "RollbackFailed": Outcome(
        "ROLLBACK FAILED, NEEDS A PERSON",
        "The automatic way back failed too, and it stopped there. Look before you act.",
        STATUS,
        critical=True,
    ),
    "FAILED": Outcome("broke", "The run broke outside of every ending that it knows.", STATUS),
    "TIMED_OUT": Outcome("timed out", "The run took longer than any run may and was ended.", STATUS),
    "ABORTED": Outcome(
        "aborted", "Somebody stopped the run. The revision at work may have been finished.", STATUS
    ),
    **RECOVERY_OUTCOMES,
    **DRILL_OUTCOMES,
}
UNKNOWN = Outcome("ended", "The run ended in a way that this version has no words for.", STATUS)


@dataclass(frozen=True)
class Ending:
    """What is known about a run's end. ``seconds`` is None where the start is unknown. A recovery also has
    the ``times`` of its steps in epoch milliseconds, and what its ``swap`` answered; a drill has its
    ``report``."""

    run: str
    environment: str
    outcome: str
    plan: Mapping[str, Any] = field(default_factory=dict)
    failure: Mapping[str, Any] = field(default_factory=dict)
    approval: Mapping[str, Any] = field(default_factory=dict)
    backup: Mapping[str, Any] = field(default_factory=dict)
    requested_by: str = ""
    verified: Mapping[str, Any] = field(default_factory=dict)
    watched: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    command: str = ""
    restore_point: str = ""
    seconds: float | None = None
    link: str = ""
    times: Mapping[str, Any] = field(default_factory=dict)
    swap: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> Outcome:
        return OUTCOMES.get(self.outcome, UNKNOWN)


def notice_subject(ending: Ending) -> str:
    """For the list of mails: environment, what happened, the run."""
    return f"[db-migrate] {ending.environment}: {ending.words.title} ({ending.run})"


def notice_text(ending: Ending) -> str:
    """The whole notice. Lines whose fact is unknown are left out."""
    facts = {
        "Outcome": ending.outcome,
        "Severity": ending.words.severity,
        "Environment": ending.environment,
        "Run": ending.run,
        "Took": duration(ending.seconds) if ending.seconds is not None else "",
        "Revisions": _revisions(ending.plan),
        **recovery_facts(ending.plan),
        "Requested by": ending.plan.get("requested_by") or ending.requested_by,
        "Approved by": _approved_by(ending),
        "Reason given": ending.reason,
        "Backup": backup_words(ending.backup)[1],
        "Restorable": point_in_time_line(ending.backup),
        "Upgrade began": ending.restore_point,
        "Verified": ", ".join(str(check) for check in ending.verified.get("checks") or ()),
        "Alarms still on": ", ".join(str(name) for name in ending.watched.get("on") or ()),
        **drill_facts(ending.report),
    }
    head = f"{ending.environment}: {ending.words.title}\n{ending.words.meaning}"
    blocks = [head, "\n".join(f"{name + ':':<14}{value}" for name, value in facts.items() if value)]
    blocks += [f"Why:\n{cause}" for cause in [describe_failure(ending.failure)] if cause]
    blocks += [text for text in [took(ending.times)] if text]
    if ending.swap.get("status") == "done":
        blocks += [left_to_do(ending.plan, ending.swap)]
    blocks += [f"A way back does not bring back:\n{lost}" for lost in [_lost(ending)] if lost]
    blocks += [f"Next:\n  {step}" for step in [_next(ending)] if step]
    blocks += [f"Details:\n  {ending.link}"] if ending.link else []
    return "\n\n".join(blocks) + "\n"


def describe_failure(failure: Mapping[str, Any]) -> str:
    """An error of the state machine as text. Lambda wraps the message in JSON; only the message is shown."""
    error, cause = str(failure.get("Error") or ""), str(failure.get("Cause") or "")
    with suppress(ValueError, KeyError, TypeError):
        cause = str(json.loads(cause)["errorMessage"])
    return ": ".join(part for part in (error, cause[:MOST_CAUSE]) if part)


def subject_line(text: str) -> str:
    """What SNS takes as a subject: one line of printable ASCII, shorter than 100 characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    line = " ".join("".join(character if character.isprintable() else " " for character in plain).split())
    return line if len(line) <= MOST_SUBJECT else line[: MOST_SUBJECT - 3] + "..."


def _revisions(plan: Mapping[str, Any]) -> str:
    pending = [str(revision) for revision in plan.get("pending") or ()]
    if not pending:
        return ""
    more = f" and {len(pending) - 10} more" if len(pending) > 10 else ""
    undone = ", to undo" if plan.get("direction") == "downgrade" else ""
    return f"{counted(len(pending), 'revision')}{undone}: {', '.join(pending[:10])}{more}"


def _lost(ending: Ending) -> str:
    """What keeps the run from being undone, where it would have been."""
    losses = ending.plan.get("losses") or () if ending.outcome in LOSSY else ()
    return "\n".join(f"  {loss}" for loss in losses)


def _approved_by(ending: Ending) -> str:
    by, comment = ending.approval.get("by"), ending.approval.get("comment")
    if not by:
        return ""
    return f'{by}, who wrote: "{comment}"' if comment else str(by)


def _next(ending: Ending) -> str:
    return ending.command or ending.words.next.format(run=ending.run, environment=ending.environment)
