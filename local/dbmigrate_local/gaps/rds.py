"""Gap: moto's snapshots are words. Here they are base backups, and a restore is a server."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, RDSBackend

from dbmigrate_local.gaps.patching import replaced
from dbmigrate_local.snapshots import SnapshotStore

PROGRESS = {"creating": 50, "available": 100, "failed": 0}


@contextlib.contextmanager
def rds(store: SnapshotStore, settles: bool) -> Iterator[None]:
    """Back the snapshots of instances and clusters by the store.

    A snapshot is `creating` when it is first asked for. When `settles`, the second question waits for the
    real end: waits take no time then, and a poll would ask thousands of times.
    """
    with (
        _snapshots("create_db_snapshot", "describe_db_snapshots", "delete_db_snapshot", store, settles),
        _snapshots(
            "create_db_cluster_snapshot",
            "describe_db_cluster_snapshots",
            "delete_db_cluster_snapshot",
            store,
            settles,
        ),
        _restores(store),
    ):
        yield


@contextlib.contextmanager
def _snapshots(
    create: str, describe: str, delete: str, store: SnapshotStore, settles: bool
) -> Iterator[None]:
    def take(original: Callable[..., Any]) -> Callable[..., Any]:
        def taken(self: RDSBackend, *arguments: Any, **named: Any) -> Any:
            made = original(self, *arguments, **named)
            made.asked = 0
            show(made, "creating")
            store.take(made.resource_id)
            return made

        return same_signature(taken, original)

    def look(original: Callable[..., Any]) -> Callable[..., Any]:
        def looked(self: RDSBackend, *arguments: Any, **named: Any) -> Any:
            found = original(self, *arguments, **named)
            for made in found:
                follow(made, store, settles)
            return found

        return same_signature(looked, original)

    def drop(original: Callable[..., Any]) -> Callable[..., Any]:
        def dropped(self: RDSBackend, *arguments: Any, **named: Any) -> Any:
            gone = original(self, *arguments, **named)
            store.forget(gone.resource_id)
            return gone

        return same_signature(dropped, original)

    wrapped = ((create, take), (describe, look), (delete, drop))
    with replaced(*((RDSBackend, name, wrap(getattr(RDSBackend, name))) for name, wrap in wrapped)):
        yield


def follow(made: Any, store: SnapshotStore, settles: bool) -> None:
    """Move moto's snapshot on to what the backup has become."""
    if not hasattr(made, "asked") or made.status != "creating":
        return
    made.asked += 1
    if made.asked == 1:
        return
    snapshot = store.get(made.resource_id)
    show(made, snapshot.settle() if settles else snapshot.status)


def show(made: Any, status: str) -> None:
    made.status = status
    made.percent_progress = PROGRESS[status]


@contextlib.contextmanager
def _restores(store: SnapshotStore) -> Iterator[None]:
    restore = RDSBackend.restore_db_instance_from_db_snapshot
    delete = RDSBackend.delete_db_instance
    restore_cluster = RDSBackend.restore_db_cluster_from_snapshot
    endpoint: Any = vars(DBInstance)["endpoint"].fget

    def started(made: Any, snapshot: str, name: str) -> Any:
        if store.serves:
            made.port = made.local_port = store.restore(snapshot, name).port
        return made

    def restored(self: RDSBackend, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
        name = usable(store, from_snapshot_id)
        made = restore(self, from_snapshot_id, overrides)
        return started(made, name, made.db_instance_identifier)

    def restored_cluster(self: RDSBackend, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
        name = usable(store, from_snapshot_id)
        made = restore_cluster(self, from_snapshot_id, overrides)
        return started(made, name, made.db_cluster_identifier)

    def deleted(self: RDSBackend, db_instance_identifier: str, *more: Any, **named: Any) -> Any:
        store.stop(db_instance_identifier)
        return delete(self, db_instance_identifier, *more, **named)

    def where(self: DBInstance) -> Any:
        port = getattr(self, "local_port", None)
        return {"Address": "127.0.0.1", "Port": port} if port else endpoint(self)

    with replaced(
        (RDSBackend, "restore_db_instance_from_db_snapshot", restored),
        (RDSBackend, "restore_db_cluster_from_snapshot", restored_cluster),
        (RDSBackend, "delete_db_instance", same_signature(deleted, delete)),
        (DBInstance, "endpoint", property(where)),
    ):
        yield


def usable(store: SnapshotStore, name_or_arn: str) -> str:
    """The name of a snapshot that can be restored; what moto made by itself is no matter of ours."""
    name = name_or_arn.rsplit(":", 1)[-1].lower()
    if store.has(name) and (status := store.get(name).settle()) != "available":
        raise RDSClientError("InvalidDBSnapshotState", f"Snapshot {name} is {status}, not available.")
    return name


def same_signature(function: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """moto reads signatures to spread a request's parameters."""
    function.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    return function
