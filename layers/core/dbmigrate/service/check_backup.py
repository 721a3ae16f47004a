"""Look how far a run's backup is, and that it is this run's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dbmigrate.domain.backup import Snapshot, tag_value
from dbmigrate.domain.errors import BackupFailed


class Backups(Protocol):
    """The snapshots of one database."""

    def look(self, snapshot: str) -> Snapshot: ...


def check_backup(
    event: Mapping[str, Any], backups: Backups, emit: Callable[[str, float], None]
) -> dict[str, str | int]:
    """``status`` is creating, available or failed. Raises BackupFailed when it is gone or another run's."""
    try:
        found = backups.look(event["backup"]["id"])
        _refuse_foreign(found, tag_value(event["run"]))
    except BackupFailed:
        emit("BackupFailures", 1)
        raise
    if found.state == "failed":
        emit("BackupFailures", 1)
    return {"status": found.state, "percent": 100 if found.state == "available" else found.percent}


def _refuse_foreign(found: Snapshot, run: str) -> None:
    # The start joins whatever has the name; what somebody else made before is no backup of this run.
    if found.tags.get("run") != run:
        raise BackupFailed(
            f"Snapshot {found.id} is not of run {run}, its tag says '{found.tags.get('run')}'.",
            f"rename or delete snapshot {found.id} in RDS, then start the run again: db-migrate deploy",
        )
