"""Gap: moto's restorable times are always now, and its lists of snapshots have no pages."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from moto.core.responses import PaginatedResult
from moto.core.utils import get_pagination_model
from moto.rds.models import DBCluster, DBInstance, DBInstanceAutomatedBackup
from moto.rds.responses import RDSResponse

from dbmigrate_local.gaps.patching import replaced
from dbmigrate_local.gaps.rds_instances import behind

PAGED = ("DescribeDBInstances", "DescribeDBClusters", "DescribeDBSnapshots", "DescribeDBClusterSnapshots")


@contextlib.contextmanager
def windows() -> Iterator[None]:
    """Only what can be restored is called restorable."""

    def latest(self: Any) -> dt.datetime | None:
        return window(self)[1]

    def earliest(self: Any) -> dt.datetime | None:
        return window(self)[0]

    def of_backup(self: DBInstanceAutomatedBackup) -> dict[str, Any] | None:
        instance = self.backend.databases.get(self.db_instance_identifier)
        first, last = window(instance) if instance is not None else (None, None)
        return {"EarliestTime": first, "LatestTime": last} if first else None

    def ignored(self: Any, value: Any) -> None:
        """moto writes down when the cluster was made."""

    with (
        replaced(
            (DBInstance, "latest_restorable_time", property(latest)),
            (DBCluster, "latest_restorable_time", property(latest)),
        ),
        contextlib.ExitStack() as stack,
    ):
        for owner, name, value in (
            (DBCluster, "earliest_restorable_time", property(earliest, ignored)),
            (DBInstanceAutomatedBackup, "restore_window", property(of_backup)),
        ):
            setattr(owner, name, value)
            stack.callback(delattr, owner, name)
        yield


def window(made: Any) -> tuple[dt.datetime | None, dt.datetime | None]:
    """The first and the last moment to which an instance or a cluster can be restored; None if to none.

    What has no data is described as if it had been backed up when it was created.
    """
    if not made.backup_retention_period or not hasattr(made, "local"):
        return None, None
    local = behind(made)
    local = local.cluster or local
    latest = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=local.lag)
    if local.server is None:
        return made.created.replace(tzinfo=dt.UTC), latest
    earliest = local.archive.earliest if local.archive else None
    return (earliest, latest) if earliest else (None, None)


@contextlib.contextmanager
def pages() -> Iterator[None]:
    """MaxRecords and Marker count for snapshots and clusters, too; a page ends with the name of its last."""

    def paged(original: Callable[[RDSResponse], Any]) -> Callable[[RDSResponse], Any]:
        return lambda self: PaginatedResult(original(self)._result)

    model = get_pagination_model("rds")
    marked = [patch.dict(model[operation], unique_attribute="resource_id") for operation in PAGED]
    names = ("describe_db_snapshots", "describe_db_cluster_snapshots", "describe_db_clusters")
    with contextlib.ExitStack() as stack:
        for one in marked:
            stack.enter_context(one)
        stack.enter_context(
            replaced(*((RDSResponse, name, paged(getattr(RDSResponse, name))) for name in names))
        )
        yield
