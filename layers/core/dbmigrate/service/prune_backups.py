"""Delete the backups that nobody keeps any more, in every Region that has them, and tell everyone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from dbmigrate.domain.backup import Snapshot, own_tags, tag_value
from dbmigrate.domain.errors import BackupFailed
from dbmigrate.domain.recovery import ENDED, Record
from dbmigrate.domain.retention import (
    Deletion,
    dispensable,
    kept_by_tag,
    pruning_subject,
    pruning_text,
    stem,
)


class Shelf(Protocol):
    """The snapshots of one Region."""

    @property
    def region(self) -> str: ...
    def all(self) -> list[Snapshot]: ...
    def delete(self, snapshot: str) -> None: ...


class Runs(Protocol):
    """The executions of a state machine."""

    def running(self) -> list[str]: ...


class Recoveries(Protocol):
    """How far recoveries are."""

    def latest(self) -> Record | None: ...


class Messages(Protocol):
    """How everyone is reached."""

    def announce(self, subject: str, text: str) -> None: ...


def prune_backups(
    environment: str,
    kept: int,
    shelves: Sequence[Shelf],
    runs: Runs,
    restores: Sequence[Runs],
    recoveries: Recoveries,
    messages: Messages,
    now: float,
    emit: Callable[[str, float], None],
) -> dict[str, list[str]]:
    """The ids that were ``deleted`` and those that ``remain`` though nobody keeps them.

    The first shelf is the stack's own Region. One failed deletion stops none of the others. While one of
    ``restores``, a recovery or a drill, is at work, nothing is deleted at all; what a recovery that was cut
    goes back to stays until somebody has ended it.
    """
    if any(each.running() for each in restores):
        return {"deleted": [], "remain": []}
    # Asked first: a run that begins meanwhile has a backup that is younger than a day.
    running = {tag_value(run) for run in runs.running()}
    found = [(shelf, shelf.all()) for shelf in shelves]
    spared = kept_by_tag(snapshot for _, snapshots in found for snapshot in snapshots) | _wanted(recoveries)
    ours = own_tags(environment, shelves[0].region)
    deletions = [
        _delete(shelf, snapshot)
        for shelf, snapshots in found
        for snapshot in dispensable(snapshots, ours, kept, running, spared, now)
    ]
    if not deletions:
        return {"deleted": [], "remain": []}
    deleted = [one.snapshot.id for one in deletions if not one.problem]
    emit("BackupsDeleted", len(deleted))
    emit("BackupsNotDeleted", len(deletions) - len(deleted))
    messages.announce(pruning_subject(environment, deletions), pruning_text(environment, kept, deletions))
    return {"deleted": deleted, "remain": [one.snapshot.id for one in deletions if one.problem]}


def _wanted(recoveries: Recoveries) -> set[str]:
    record = recoveries.latest()
    if record is None or record.phase in ENDED or not record.plan.get("snapshot"):
        return set()
    return {stem(str(record.plan["snapshot"]))}


def _delete(shelf: Shelf, snapshot: Snapshot) -> Deletion:
    try:
        shelf.delete(snapshot.id)
    except BackupFailed as error:
        return Deletion(snapshot, shelf.region, error.message)
    return Deletion(snapshot, shelf.region)
