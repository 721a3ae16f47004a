"""Look how far a run's backup is, that it is this run's, and that it has its copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dbmigrate.domain.backup import NOTE, Snapshot, tag_value
from dbmigrate.domain.errors import BackupFailed


class Backups(Protocol):
    """The snapshots of one database."""

    def look(self, snapshot: str) -> Snapshot: ...


class Copies(Protocol):
    """Where a copy of each snapshot goes, "" for nowhere, and with which account it is shared."""

    @property
    def region(self) -> str: ...
    @property
    def account(self) -> str: ...
    def find(self, original: Snapshot) -> Snapshot | None: ...
    def begin(self, original: Snapshot) -> Snapshot: ...
    def share(self, snapshot: Snapshot) -> None: ...


def check_backup(
    event: Mapping[str, Any], backups: Backups, copies: Copies, emit: Callable[[str, float], None]
) -> dict[str, Any]:
    """``status`` is creating or available, with its copy only; ``said`` is RDS's own word for the original.

    Raises BackupFailed when it failed, is gone or another run's, BackupUnseen when RDS did not say.
    """
    run = tag_value(event["run"])
    try:
        found = _usable(backups.look(event["backup"]["id"]), run)
        if found.state == "creating":
            return {"status": "creating", "percent": found.percent, "said": found.status}
        whole = {"status": "available", "percent": 100, "said": found.status, **_note(found)}
        return whole | _second_home(found, run, copies)
    except BackupFailed:
        emit("BackupFailures", 1)
        raise


def _note(found: Snapshot) -> dict[str, str]:
    """What somebody tagged the snapshot with, for those who are to rely on it."""
    return {"note": found.tags[NOTE]} if found.tags.get(NOTE) else {}


def _second_home(original: Snapshot, run: str, copies: Copies) -> dict[str, Any]:
    """The parts ``copy`` and ``shared_with`` where the stack asks for them, and the ``status`` with them."""
    if not copies.region:
        return _shared(original, copies)
    copy = _usable(copies.find(original) or copies.begin(original), run)
    part = {"id": copy.id, "region": copies.region, "status": copy.state, "percent": copy.percent}
    if copy.state == "creating":
        return {"status": "creating", "copy": part}
    return {"copy": part | {"percent": 100}} | _shared(copy, copies)


def _shared(snapshot: Snapshot, copies: Copies) -> dict[str, Any]:
    if not copies.account:
        return {}
    copies.share(snapshot)
    return {"shared_with": copies.account}


def _usable(found: Snapshot, run: str) -> Snapshot:
    # The start joins whatever has the name; what somebody else made before is no backup of this run.
    if found.tags.get("run") != run:
        raise BackupFailed(
            f"Snapshot {found.id} is not of run {run}, its tag says '{found.tags.get('run')}'.",
            f"rename or delete snapshot {found.id} in RDS, then start the run again: db-migrate deploy",
        )
    if found.state == "failed":
        raise BackupFailed(
            f"Snapshot {found.id} is of no use: RDS calls it {found.status}.",
            f"see why: aws rds describe-events --source-identifier {found.id} --source-type db-snapshot (or "
            "db-cluster-snapshot) --duration 1440; then start the run again: db-migrate deploy",
        )
    return found
