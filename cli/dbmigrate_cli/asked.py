"""The status report of an environment that only its stack can reach."""

from __future__ import annotations

from typing import Any

from dbmigrate.adapters.history import History
from dbmigrate.domain.standing import from_label
from dbmigrate_cli.failures import RunEnded
from dbmigrate_cli.options import Options
from dbmigrate_cli.outcomes import NEEDS_PERSON
from dbmigrate_cli.recovery_state import under_way
from dbmigrate_cli.stack import aws_errors, open_stack


def ask_stack(options: Options, history: History, name: str | None) -> dict[str, Any]:
    """What the stack's inspect function says, completed by what our own history knows, and by the recovery
    that is under way. Raises RunEnded, which names that recovery where the database does not answer."""
    with aws_errors(options):
        stack = open_stack(options, name)
        recovery = under_way(stack)
        try:
            report = stack.inspect()
        except RunEnded as error:
            if recovery is None:
                raise
            said = f"Recovery {recovery['recovery']} is {recovery['phase']} since {recovery['since']}."
            command = ", or: ".join(recovery["next"])
            raise RunEnded(error.name, f"{error.message}\n{said}", command, NEEDS_PERSON) from error
    return {**completed(report, history), "recovery": recovery}


def completed(report: dict[str, Any], history: History) -> dict[str, Any]:
    """The report with head, pending and edited revisions. Raises UnknownRevision."""
    current = from_label(report["current"])
    recorded = report.pop("applied_revisions", [])
    digests: dict[str, str] = recorded if isinstance(recorded, dict) else {}
    edited = [
        f"Revision {revision} has been edited since it was applied."
        for revision, digest in digests.items()
        if history.source_digest(revision) not in (None, digest)
    ]
    return {
        **report,
        "head": history.head,
        "pending": history.pending(current),
        "applied": len(history.applied(current)),
        "edited_revisions": edited,
    }
