"""Start a run's backup, or join the one that an earlier attempt of the same run started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dbmigrate.domain.backup import Snapshot, snapshot_id, snapshot_tags
from dbmigrate.domain.errors import BackupFailed


class Backups(Protocol):
    """The snapshots of one database."""

    kind: str

    def start(self, snapshot: str, tags: Mapping[str, str]) -> bool: ...
    def look(self, snapshot: str) -> Snapshot: ...


def start_backup(
    event: Mapping[str, Any], backups: Backups, emit: Callable[[str, float], None]
) -> dict[str, str]:
    """The snapshot's id and kind. Raises BackupFailed, also when another run's snapshot has the name."""
    run, tags = event["run"], snapshot_tags(event["run"], event["plan"])
    snapshot = snapshot_id(run, event.get("previous") or {})
    try:
        if not backups.start(snapshot, tags):
            _join(backups.look(snapshot), tags["run"])
    except BackupFailed:
        emit("BackupFailures", 1)
        raise
    return {"id": snapshot, "kind": backups.kind}


def _join(found: Snapshot, run: str) -> None:
    if found.tags.get("run") != run:
        raise BackupFailed(
            f"Snapshot {found.id} exists already; its tag says run '{found.tags.get('run', '')}', not {run}.",
            f"rename or delete snapshot {found.id} in RDS, then start the run again: db-migrate deploy",
        )
