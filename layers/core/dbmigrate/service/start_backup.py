"""Start a run's backup, or join the one that an earlier attempt of the same run started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dbmigrate.domain.backup import snapshot_id, snapshot_tags
from dbmigrate.domain.errors import BackupFailed


class Backups(Protocol):
    """The snapshots of one database."""

    kind: str

    def start(self, snapshot: str, tags: Mapping[str, str]) -> None: ...


def start_backup(
    event: Mapping[str, Any], backups: Backups, emit: Callable[[str, float], None]
) -> dict[str, str]:
    """The snapshot's id and kind. Raises BackupFailed, or DatabaseBusy when it is worth trying again."""
    snapshot = snapshot_id(event["run"], event.get("previous") or {})
    try:
        backups.start(snapshot, snapshot_tags(event["run"], event["plan"]))
    except BackupFailed:
        emit("BackupFailures", 1)
        raise
    return {"id": snapshot, "kind": backups.kind}
