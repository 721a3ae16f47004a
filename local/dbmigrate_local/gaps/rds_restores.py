"""Gap: moto restores words, with everything that the source had. RDS leaves much at its defaults."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.rds.exceptions import DBInstanceAlreadyExists, InvalidParameterValue, RDSClientError
from moto.rds.models import RDSBackend

from dbmigrate_local.gaps.patching import replaced, same_signature
from dbmigrate_local.gaps.rds_answers import window
from dbmigrate_local.gaps.rds_instances import behind
from dbmigrate_local.gaps.rds_snapshots import usable
from dbmigrate_local.instance import Instance
from dbmigrate_local.instances import InstanceStore
from dbmigrate_local.snapshots import SnapshotStore

# What a restored database has of its source. All else is the caller's to name, or RDS's default: security
# groups, subnet and parameter groups, tags, monitoring, deletion protection, IAM authentication, log exports.
CARRIED = (
    *("allocated_storage", "auto_minor_version_upgrade", "backup_retention_period", "character_set_name"),
    *("db_instance_class", "db_name", "engine", "engine_version", "iops", "license_model"),
    *("master_username", "_master_user_password", "port", "preferred_backup_window"),
    *("preferred_maintenance_window", "publicly_accessible", "storage_encrypted", "storage_throughput"),
    *("storage_type", "kms_key_id"),
)
CARRIED_BY_CLUSTERS = (
    *("allocated_storage", "availability_zones", "backup_retention_period", "database_name", "engine"),
    *("engine_mode", "engine_version", "iops", "kms_key_id", "master_username", "_master_user_password"),
    *("network_type", "port", "preferred_backup_window", "preferred_maintenance_window"),
    *("serverless_v2_scaling_configuration", "storage_encrypted", "storage_type"),
)
OF_THE_REQUEST = (  # what names the source, and is no property of the new one
    *("db_snapshot_identifier", "snapshot_identifier", "source_db_instance_identifier", "restore_time"),
    *("target_db_instance_identifier", "use_latest_restorable_time", "source_db_cluster_identifier"),
)
Begin = Callable[[Instance], None]


@contextlib.contextmanager
def restores(store: InstanceStore, backups: SnapshotStore) -> Iterator[None]:
    """Restores of instances and clusters, from snapshots and to moments."""
    wanted = (
        ("restore_db_instance_from_db_snapshot", from_snapshot(store, backups)),
        ("restore_db_instance_to_point_in_time", to_moment(store)),
        ("restore_db_cluster_from_snapshot", cluster_from_snapshot(store, backups)),
        ("restore_db_cluster_to_point_in_time", cluster_to_moment(store)),
    )
    with replaced(
        *((RDSBackend, name, same_signature(call, getattr(RDSBackend, name))) for name, call in wanted)
    ):
        yield


def from_snapshot(store: InstanceStore, backups: SnapshotStore) -> Callable[..., Any]:
    def restore(self: RDSBackend, from_snapshot_id: str, overrides: Mapping[str, Any]) -> Any:
        snapshot = self.get_db_snapshot(from_snapshot_id)
        base = usable(backups, snapshot)
        encryption = {"kms_key_id": snapshot.kms_key_id, "storage_encrypted": snapshot.encrypted}
        given = properties(snapshot.database, CARRIED) | encryption | named(overrides)
        return make_instance(self, store, given, lambda made: store.restore(made, base))

    return restore


def to_moment(store: InstanceStore) -> Callable[..., Any]:
    def restore(
        self: RDSBackend, source_db_identifier: str, target_db_identifier: str, overrides: Mapping[str, Any]
    ) -> Any:
        source = self.describe_db_instances(source_db_identifier)[0]
        moment = reachable(source, overrides.get("restore_time"), overrides.get("use_latest_restorable_time"))
        given = properties(source, CARRIED) | named(overrides)
        given["db_instance_identifier"] = target_db_identifier
        return make_instance(self, store, given, lambda made: store.restore_to(made, behind(source), moment))

    return restore


def cluster_from_snapshot(store: InstanceStore, backups: SnapshotStore) -> Callable[..., Any]:
    def restore(self: RDSBackend, from_snapshot_id: str, overrides: Mapping[str, Any]) -> Any:
        snapshot = self.get_db_cluster_snapshot(from_snapshot_id)
        base = usable(backups, snapshot)
        encryption = {"kms_key_id": snapshot.kms_key_id, "storage_encrypted": snapshot.encrypted}
        given = properties(snapshot.cluster, CARRIED_BY_CLUSTERS) | encryption | named(overrides)
        return make_cluster(self, store, given, lambda made: store.restore(made, base))

    return restore


def cluster_to_moment(store: InstanceStore) -> Callable[..., Any]:
    def restore(
        self: RDSBackend,
        db_cluster_identifier: str,
        source_db_cluster_identifier: str,
        restore_type: str = "full-copy",
        restore_to_time: Any = None,
        use_latest_restorable_time: bool = False,
        **overrides: Any,
    ) -> Any:
        source = self.describe_db_clusters(source_db_cluster_identifier)[0]
        moment = reachable(source, restore_to_time, use_latest_restorable_time)
        given = properties(source, CARRIED_BY_CLUSTERS) | named(overrides)
        given["db_cluster_identifier"] = db_cluster_identifier
        return make_cluster(self, store, given, lambda made: store.restore_to(made, behind(source), moment))

    return restore


def make_instance(self: RDSBackend, store: InstanceStore, given: dict[str, Any], begin: Begin) -> Any:
    name = given["db_instance_identifier"]
    if name in self.databases or store.has(name):
        raise DBInstanceAlreadyExists()
    local = admitted(store, name)
    return begun(store, local, begin, lambda: self.create_db_instance(given | {"local": local}))


def make_cluster(self: RDSBackend, store: InstanceStore, given: dict[str, Any], begin: Begin) -> Any:
    name = given["db_cluster_identifier"]
    if name in self.clusters or store.has(name):
        raise RDSClientError("DBClusterAlreadyExistsFault", f"DBCluster {name} already exists.")
    local = admitted(store, name, needs_members=True)
    return begun(store, local, begin, lambda: self.create_db_cluster(given | {"local": local}))


def admitted(store: InstanceStore, name: str, needs_members: bool = False) -> Instance:
    if code := store.taken_refusal():
        raise RDSClientError(code, f"The restore to {name} is refused: {code}.")
    return store.prepare(name, needs_members)


def begun(store: InstanceStore, local: Instance, begin: Begin, make: Callable[[], Any]) -> Any:
    """What moto made, while its data are on their way; nothing is left of what moto refuses."""
    try:
        made = make()
        begin(local)
    except BaseException:
        store.delete(local)
        raise
    made.status = "creating"
    return made


def properties(source: Any, carried: tuple[str, ...]) -> dict[str, Any]:
    return {name.removeprefix("_"): getattr(source, name) for name in carried if hasattr(source, name)}


def named(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller says of the new database."""
    return {
        key: overrides[key] for key in overrides if key not in OF_THE_REQUEST and overrides[key] is not None
    }


def reachable(source: Any, asked: Any, latest: Any) -> dt.datetime:
    """The moment to restore. Raises what RDS says when it keeps no backups, or none of that time."""
    if not source.backup_retention_period:
        raise RDSClientError(
            "PointInTimeRestoreNotEnabled", f"{source.resource_id} has a backup retention period of 0."
        )
    if bool(asked) == bool(latest):
        raise RDSClientError(
            "InvalidParameterCombination", "Specify a restore time or the latest restorable time, not both."
        )
    first, last = window(source)
    moment = last if latest else moment_of(asked)
    if first is None or last is None or moment is None or not first <= moment <= last:
        raise InvalidParameterValue(
            f"The specified instance cannot be restored to {moment}: its window is from {first} to {last}."
        )
    return moment


def moment_of(asked: Any) -> dt.datetime:
    """A request's time, with its zone; without one it is UTC."""
    value = asked if isinstance(asked, dt.datetime) else dt.datetime.fromisoformat(str(asked))
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
