"""A run's backup as people read it, the same on the approval page, in mails and in notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.words import counted, epoch_of, moment


def backup_words(backup: Mapping[str, Any]) -> tuple[str, str]:
    """Its status, and what it is: the snapshot, its copy, who else may restore it, what was noted."""
    copy, account = backup.get("copy"), backup.get("shared_with")
    parts = [str(backup.get("id") or "")]
    if isinstance(copy, Mapping):
        state = "" if copy.get("status") == "available" else f", {copy.get('status')}"
        parts.append(f"its copy in {copy.get('region')}{state}")
    parts += [f"shared with {account}"] if account else []
    parts += [str(backup["note"])] if backup.get("note") else []
    return str(backup.get("status") or "none").capitalize(), ", ".join(part for part in parts if part)


def point_in_time_words(backup: Mapping[str, Any]) -> tuple[str, str]:
    """The way to any moment, and what to know of it; two empty texts where RDS was not asked."""
    found = backup.get("point_in_time")
    if not isinstance(found, Mapping):
        return "", ""
    if found.get("gap"):
        return "None, the snapshot only", str(found["gap"])
    until = moment(epoch_of(str(found["until"]), "backup: point_in_time.until"))
    return (
        f"Any moment of the last {counted(int(found['days']), 'day')}",
        f"until {until} when the backup began; RDS goes on adding to it",
    )


def point_in_time_line(backup: Mapping[str, Any]) -> str:
    """Both in one line, for plain text; "" where RDS was not asked."""
    what, more = point_in_time_words(backup)
    return f"{what.lower()}: {more}" if what.startswith("None") else f"{what.lower()}, {more}" if what else ""
