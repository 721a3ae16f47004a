"""Gap: moto's instances and clusters are available at once, at addresses where nobody listens.

Here the first that is created is the server of the stand-in. What is restored has a server of its own, see
rds_restores. Everything is seen under way once before it is done.
"""

from __future__ import annotations

import contextlib
import random
import string
from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBCluster, DBInstance, RDSBackend
from moto.rds.responses import RDSResponse

from dbmigrate_local.gaps.patching import replaced, same_signature
from dbmigrate_local.instance import Instance
from dbmigrate_local.instances import InstanceStore

HOST = "127.0.0.1"


@contextlib.contextmanager
def instances(store: InstanceStore) -> Iterator[None]:
    """What is created gets its server; what is described has a true status and address."""
    with _created(store), _described(), _addresses():
        yield


@contextlib.contextmanager
def _created(store: InstanceStore) -> Iterator[None]:
    create, create_cluster = RDSBackend.create_db_instance, RDSBackend.create_db_cluster
    back_up, back_up_cluster = DBInstance.save_automated_backup, DBCluster.save_automated_backup

    def created(self: RDSBackend, db_kwargs: dict[str, Any]) -> Any:
        restored: Instance | None = db_kwargs.pop("local", None)
        cluster = self.clusters.get(db_kwargs.get("db_cluster_identifier") or "")
        if cluster is not None:
            ready(cluster)
        made: Any = create(self, db_kwargs)
        made.dbi_resource_id = resource_id("db-")
        if cluster is not None:
            made.local = store.add_member(made.resource_id, behind(cluster))
        else:
            made.local = restored or store.adopt(made.resource_id)
            made.local.resource_id = made.dbi_resource_id
            if restored is None:
                back_up(made)
        return made

    def created_cluster(self: RDSBackend, kwargs: dict[str, Any]) -> Any:
        restored: Instance | None = kwargs.pop("local", None)
        made: Any = create_cluster(self, kwargs)
        made.local = restored or store.adopt(made.resource_id)
        made.local.resource_id = made.db_cluster_resource_id
        if restored is None:
            back_up_cluster(made)
        return made

    def later(self: Any) -> None:
        """moto backs up inside the creation, when there is no server yet."""

    with replaced(
        (RDSBackend, "create_db_instance", same_signature(created, create)),
        (RDSBackend, "create_db_cluster", same_signature(created_cluster, create_cluster)),
        (DBInstance, "save_automated_backup", later),
        (DBCluster, "save_automated_backup", later),
    ):
        yield


@contextlib.contextmanager
def _described() -> Iterator[None]:
    describe, describe_clusters = RDSResponse.describe_db_instances, RDSResponse.describe_db_clusters

    def described(self: RDSResponse) -> ActionResult:
        look(self.backend.databases, self.params.get("DBInstanceIdentifier"))
        return describe(self)

    def described_clusters(self: RDSResponse) -> ActionResult:
        look(self.backend.clusters, self.params.get("DBClusterIdentifier"))
        return describe_clusters(self)

    with replaced(
        (RDSResponse, "describe_db_instances", described),
        (RDSResponse, "describe_db_clusters", described_clusters),
    ):
        yield


def look(owned: Any, asked: str | None) -> None:
    """Somebody looks at what has a name, or is about to get it; without a name, at everything."""
    name = asked.rsplit(":", 1)[-1].lower() if asked else None
    for made in list(owned.values()):
        local = behind(made)
        if name in (None, made.resource_id, local.name):
            made.status = local.condition.look()


@contextlib.contextmanager
def _addresses() -> Iterator[None]:
    endpoint: Any = vars(DBInstance)["endpoint"].fget
    cluster_endpoint: Any = vars(DBCluster)["endpoint"].fget

    def where(self: DBInstance) -> Any:
        local = behind(self)
        if not local.has_data:
            return endpoint(self)
        return {"Address": HOST, "Port": local.port} if local.port else None

    def where_cluster(self: DBCluster) -> Any:
        local = behind(self)
        if not local.has_data:
            return cluster_endpoint(self)
        self.port = local.port or self.port
        return HOST if local.port else None

    with replaced(
        (DBInstance, "endpoint", property(where)),
        (DBCluster, "endpoint", property(where_cluster)),
        (DBCluster, "reader_endpoint", property(where_cluster)),
    ):
        yield


def behind(made: Any) -> Instance:
    """What the stand-in keeps behind an instance or a cluster of moto."""
    local: Instance = made.local
    return local


def ready(made: Any) -> None:
    """Refuse what RDS refuses while something else is under way. Asking is a look: it goes on meanwhile."""
    local = behind(made)
    before = local.condition.look()
    made.status = before
    if before != "available":
        cluster = isinstance(made, DBCluster)
        code = "InvalidDBClusterStateFault" if cluster else "InvalidDBInstanceState"
        kind = "DBCluster" if cluster else "Instance"
        raise RDSClientError(code, f"{kind} {made.resource_id} is not in available state: {before}.")


def resource_id(prefix: str) -> str:
    """An id that no other instance has, as moto's are all the same."""
    return prefix + "".join(random.choices(string.ascii_uppercase + string.digits, k=26))
