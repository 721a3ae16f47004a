"""The status report of an environment that only its stack can reach."""

from __future__ import annotations

from typing import Any

from dbmigrate.adapters.history import History
from dbmigrate.domain.standing import from_label
from dbmigrate_cli.options import Options
from dbmigrate_cli.stack import aws_errors, open_stack


def ask_stack(options: Options, history: History, name: str | None) -> dict[str, Any]:
    """What the stack's inspect function says, completed by what our own history knows."""
    with aws_errors(options):
        report = open_stack(options, name).inspect()
    return completed(report, history)


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
