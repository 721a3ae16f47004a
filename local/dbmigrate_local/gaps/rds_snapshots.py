"""Gap: moto's snapshots hold no data. Here each is a base backup of the server that it was taken of."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from moto.rds.exceptions import RDSClientError
from moto.rds.models import RDSBackend

from dbmigrate.domain.backup import NOTE
from dbmigrate_local.account import REGION
from dbmigrate_local.gaps.patching import replaced, same_signature
from dbmigrate_local.gaps.rds_instances import behind, ready
from dbmigrate_local.snapshots import AUTOMATED, SnapshotStore, SnapshotUnusable

PROGRESS = {"creating": 50, "available": 100}
OWNERS = {"db_snapshot": "databases", "db_cluster_snapshot": "clusters"}
HOLDS_NOTHING = {"Key": NOTE, "Value": "holds NO DATA: the server is not one that this stand-in backs up"}
Call = Callable[..., Any]


@contextlib.contextmanager
def snapshots(store: SnapshotStore, settles: bool) -> Iterator[None]:
    """Snapshots of instances and clusters are taken, seen and deleted with their data."""
    with contextlib.ExitStack() as stack:
        for kind, owners in OWNERS.items():
            for name, call in (
                (f"create_{kind}", taking(getattr(RDSBackend, f"create_{kind}"), store, owners)),
                (f"copy_{kind}", copying(getattr(RDSBackend, f"copy_{kind}"), store, kind)),
                (f"describe_{kind}s", looking(getattr(RDSBackend, f"describe_{kind}s"), store, settles)),
                (f"delete_{kind}", dropping(getattr(RDSBackend, f"delete_{kind}"), store)),
            ):
                stack.enter_context(replaced((RDSBackend, name, call)))
        yield


def taking(original: Call, store: SnapshotStore, owners: str) -> Call:
    signature = inspect.signature(original)

    def take(self: RDSBackend, *arguments: Any, **named: Any) -> Any:
        identifier, snapshot = list(signature.bind(self, *arguments, **named).arguments.values())[1:3]
        owner = getattr(self, owners).get(identifier)
        if owner is not None and not snapshot.startswith(AUTOMATED):
            ready(owner)
            if code := store.taken_refusal():
                raise RDSClientError(code, f"Snapshot {snapshot} is refused: {code}.")
        made = original(self, *arguments, **named)
        made.asked = 0
        show(made, "creating")
        store.take(key(made), behind(owner))
        if not behind(owner).has_data:
            made.tags = [*made.tags, HOLDS_NOTHING]
        return made

    return same_signature(take, original)


def copying(original: Call, store: SnapshotStore, kind: str) -> Call:
    signature = inspect.signature(original)

    def copy(self: RDSBackend, *arguments: Any, **named: Any) -> Any:
        identifier = list(signature.bind(self, *arguments, **named).arguments.values())[1]
        source = getattr(self, f"get_{kind}")(identifier)
        usable(store, source)
        if code := store.taken_refusal():
            raise RDSClientError(code, f"A copy of {identifier} is refused: {code}.")
        made = original(self, *arguments, **named)
        made.asked = 0
        show(made, "creating")
        store.copy(key(source), key(made))
        return made

    return same_signature(copy, original)


def looking(original: Call, store: SnapshotStore, settles: bool) -> Call:
    def look(self: RDSBackend, *arguments: Any, **named: Any) -> Any:
        found = original(self, *arguments, **named)
        gone = [made for made in found if follow(made, store, settles) == "deleted"]
        for made in gone:
            owned = self.database_snapshots if made.resource_type == "snapshot" else self.cluster_snapshots
            del owned[made.resource_id]
            store.forget(key(made))
        return original(self, *arguments, **named) if gone else found

    return same_signature(look, original)


def dropping(original: Call, store: SnapshotStore) -> Call:
    def drop(self: RDSBackend, *arguments: Any, **named: Any) -> Any:
        gone = original(self, *arguments, **named)
        if store.has(key(gone)):
            store.forget(key(gone))
        return gone

    return same_signature(drop, original)


def usable(store: SnapshotStore, snapshot: Any) -> Path | None:
    """The base backup of a snapshot that is available; what moto made by itself has none."""
    try:
        return store.base_of(key(snapshot)) if store.has(key(snapshot)) else None
    except SnapshotUnusable as unusable:
        cluster = snapshot.resource_type == "cluster-snapshot"
        code = "InvalidDBClusterSnapshotStateFault" if cluster else "InvalidDBSnapshotState"
        raise RDSClientError(code, str(unusable)) from unusable


def key(made: Any) -> str:
    """The name of a snapshot in the store; those of other regions have theirs in front."""
    return str(made.resource_id if made.region == REGION else f"{made.region}-{made.resource_id}")


def follow(made: Any, store: SnapshotStore, settles: bool) -> str:
    """Move moto's snapshot on to what the backup has become; returns its status."""
    if hasattr(made, "asked") and made.status == "creating":
        made.asked += 1
        if made.asked > 1:
            snapshot = store.get(key(made))
            show(made, snapshot.settle() if settles else snapshot.status)
    return str(made.status)


def show(made: Any, status: str) -> None:
    made.status = status
    made.percent_progress = PROGRESS.get(status, 0)
