"""Start a run's backup, or join the one that an earlier attempt of the same run started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dbmigrate.domain.backup import snapshot_id, snapshot_tags
from dbmigrate.domain.errors import BackupFailed
from dbmigrate.domain.point_in_time import RestoreWindow, checked_window


class Backups(Protocol):
    """The snapshots of one database."""

    @property
    def kind(self) -> str: ...
    @property
    def region(self) -> str: ...
    def window(self) -> RestoreWindow: ...
    def start(self, snapshot: str, tags: Mapping[str, str]) -> None: ...


def start_backup(
    event: Mapping[str, Any],
    backups: Backups,
    point_in_time: str,
    now: float,
    emit: Callable[[str, float], None],
) -> dict[str, Any]:
    """The snapshot's id and kind, and to which moments RDS could restore. ``point_in_time`` is the stack's
    PointInTime, required or optional.

    Raises BackupFailed, or DatabaseBusy when it is worth trying again.
    """
    run, plan = event["run"], event["plan"]
    snapshot = snapshot_id(run, event.get("previous") or {})
    try:
        window = checked_window(backups.window(), point_in_time, plan["environment"], now)
        backups.start(snapshot, snapshot_tags(run, plan, backups.region))
    except BackupFailed:
        emit("BackupFailures", 1)
        raise
    return {"id": snapshot, "kind": backups.kind, "point_in_time": window}
