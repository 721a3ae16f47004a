"""Gap: moto renames and deletes words, at once and whatever is under way."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.rds.exceptions import DBInstanceAlreadyExists, InvalidParameterCombination, RDSClientError
from moto.rds.models import RDSBackend

from dbmigrate_local.gaps.patching import replaced, same_signature
from dbmigrate_local.gaps.rds_instances import behind, ready
from dbmigrate_local.instances import InstanceStore
from dbmigrate_local.snapshots import SnapshotStore

IDENTITY = {"db_instance_identifier", "db_cluster_identifier", "apply_immediately"}


@contextlib.contextmanager
def changes(store: InstanceStore, backups: SnapshotStore) -> Iterator[None]:
    """Modifications, renames and deletions of instances and clusters."""
    calls = (
        ("modify_db_instance", modified(store, RDSBackend.modify_db_instance)),
        ("modify_db_cluster", modified_cluster(store, RDSBackend.modify_db_cluster)),
        ("delete_db_instance", deleted(store, backups, RDSBackend.delete_db_instance)),
        ("delete_db_cluster", deleted(store, backups, RDSBackend.delete_db_cluster)),
    )
    with replaced(
        *((RDSBackend, name, same_signature(call, getattr(RDSBackend, name))) for name, call in calls)
    ):
        yield


def modified(store: InstanceStore, original: Callable[..., Any]) -> Callable[..., Any]:
    def modify(self: RDSBackend, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
        made = self.describe_db_instances(db_instance_identifier)[0]
        ready(made)
        name = db_kwargs.pop("new_db_instance_identifier", None)
        if name and (name in self.databases or store.has(name)):
            raise DBInstanceAlreadyExists()
        original(self, db_instance_identifier, db_kwargs)
        old = made.resource_id
        begin(
            store,
            made,
            db_kwargs,
            name,
            lambda: original(self, old, {"new_db_instance_identifier": str(name).lower()}),
        )
        return made

    return modify


def modified_cluster(store: InstanceStore, original: Callable[..., Any]) -> Callable[..., Any]:
    def modify(self: RDSBackend, kwargs: dict[str, Any]) -> Any:
        made = self.describe_db_clusters(kwargs["db_cluster_identifier"])[0]
        ready(made)
        name = kwargs.pop("new_db_cluster_identifier", None)
        if name and (name in self.clusters or store.has(name)):
            raise RDSClientError("DBClusterAlreadyExistsFault", f"DBCluster {name} already exists.")
        old, members = made.resource_id, made.members

        def rename() -> None:
            original(self, {"db_cluster_identifier": old, "new_db_cluster_identifier": str(name).lower()})
            for member in members:
                member.db_cluster_identifier = made.resource_id

        original(self, dict(kwargs))
        begin(store, made, kwargs, name, rename)
        return made

    return modify


def begin(
    store: InstanceStore, made: Any, given: Mapping[str, Any], name: str | None, rename: Callable[[], Any]
) -> None:
    """A change is seen as `modifying` once; a rename under the old name, then rebooting under the new."""
    condition = behind(made).condition

    def renamed() -> str:
        rename()
        made.pending_modified_values = {}
        condition.begin("rebooting", looks=1)
        return "rebooting"

    if name:
        kind = "DBClusterIdentifier" if made.resource_type == "cluster" else "DBInstanceIdentifier"
        made.pending_modified_values = {kind: name}  # without apply_immediately: until the maintenance window
    if name and given.get("apply_immediately"):
        store.rename(behind(made), name)
        condition.begin("renaming", then=renamed)
    elif set(given) - IDENTITY:
        condition.begin("modifying")


def deleted(store: InstanceStore, backups: SnapshotStore, original: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    def delete(self: RDSBackend, *arguments: Any, **named: Any) -> Any:
        given = signature.bind(self, *arguments, **named).arguments
        kept = given.get("skip_final_snapshot") or given.get("final_db_snapshot_identifier")
        if "skip_final_snapshot" in signature.parameters and not kept:
            raise InvalidParameterCombination(
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
            )
        gone = original(self, *arguments, **named)
        backups.settle()
        store.delete(behind(gone))
        return gone

    return delete
