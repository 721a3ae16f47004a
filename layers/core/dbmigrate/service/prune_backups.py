"""Delete the backups that nobody keeps any more, in every Region that has them, and tell everyone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from dbmigrate.domain.backup import Snapshot, own_tags, tag_value
from dbmigrate.domain.errors import BackupFailed
from dbmigrate.domain.retention import Deletion, dispensable, kept_by_tag, pruning_subject, pruning_text


class Shelf(Protocol):
    """The snapshots of one Region."""

    @property
    def region(self) -> str: ...
    def all(self) -> list[Snapshot]: ...
    def delete(self, snapshot: str) -> None: ...


class Runs(Protocol):
    """The executions of a state machine."""

    def running(self) -> list[str]: ...


class Messages(Protocol):
    """How everyone is reached."""

    def announce(self, subject: str, text: str) -> None: ...


def prune_backups(
    environment: str,
    kept: int,
    shelves: Sequence[Shelf],
    runs: Runs,
    recoveries: Runs,
    messages: Messages,
    now: float,
    emit: Callable[[str, float], None],
) -> dict[str, list[str]]:
    """The ids that were ``deleted`` and those that ``remain`` though nobody keeps them.

    The first shelf is the stack's own Region. One failed deletion stops none of the others. While there is a
    recovery, nothing is deleted at all.
    """
    if recoveries.running():
        return {"deleted": [], "remain": []}
    # Asked first: a run that begins meanwhile has a backup that is younger than a day.
    running = {tag_value(run) for run in runs.running()}
    found = [(shelf, shelf.all()) for shelf in shelves]
    spared = kept_by_tag(snapshot for _, snapshots in found for snapshot in snapshots)
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


def _delete(shelf: Shelf, snapshot: Snapshot) -> Deletion:
    try:
        shelf.delete(snapshot.id)
    except BackupFailed as error:
        return Deletion(snapshot, shelf.region, error.message)
    return Deletion(snapshot, shelf.region)
