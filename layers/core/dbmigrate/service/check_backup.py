"""Look how far a run's backup is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dbmigrate.domain.backup import Snapshot
from dbmigrate.domain.errors import BackupFailed


class Backups(Protocol):
    """The snapshots of one database."""

    def look(self, snapshot: str) -> Snapshot: ...


def check_backup(
    event: Mapping[str, Any], backups: Backups, emit: Callable[[str, float], None]
) -> dict[str, str | int]:
    """``status`` is creating, available or failed. Raises BackupFailed when the snapshot is gone."""
    try:
        found = backups.look(event["backup"]["id"])
    except BackupFailed:
        emit("BackupFailures", 1)
        raise
    if found.state == "failed":
        emit("BackupFailures", 1)
    return {"status": found.state, "percent": 100 if found.state == "available" else found.percent}
