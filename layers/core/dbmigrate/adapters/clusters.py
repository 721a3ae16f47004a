"""Aurora clusters of a recovery: storage that is restored, and members that serve it, made like the old ones.

Members keep the names that they are made with: the application knows the endpoints of the cluster, which move
with the cluster's name, and every rename restarts a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dbmigrate.adapters.carried import (
    LATER_CLUSTER,
    cluster_restore_values,
    member_values,
    missing,
    tags_of,
)
from dbmigrate.adapters.instances import EXISTS, Described, Instances, epoch_of, tags_in, with_errors
from dbmigrate.domain.drill import DRILL
from dbmigrate.domain.errors import RestoreFailed
from dbmigrate.domain.instance import TAG, Instance
from dbmigrate.domain.recovery import RecoveryPlan


class Clusters(Instances):
    """The same calls for a cluster, which serves as soon as all of its members do."""

    kind = "cluster"
    identifier, answers = "DBClusterIdentifier", "DBClusters"
    describe = "describe_db_clusters"
    describe_copies, copies_answer = "describe_db_cluster_snapshots", "DBClusterSnapshots"
    copy_id = "DBClusterSnapshotIdentifier"

    def window(self, name: str) -> tuple[float | None, float | None]:
        """The earliest and the latest moment, epoch seconds, that RDS can restore."""
        found = self._described(name) or {}
        return epoch_of(found.get("EarliestRestorableTime")), epoch_of(found.get("LatestRestorableTime"))

    def complete(self, plan: RecoveryPlan) -> None:
        """Give the new cluster its members, as soon as it can have any."""
        old, new = self._described(self.database), self._described(plan.restored)
        if old is None or new is None or new["Status"] != "available":
            return
        tags = tags_of(old, {key: tags_in(new)[key] for key in (TAG, "environment") if key in tags_in(new)})
        there = {member["DBInstanceIdentifier"] for member in self._members(plan.restored)}
        for number, member in enumerate(self._wanted(plan, old), 1):
            name = f"{plan.restored}-{number}"
            if name not in there:
                make = with_errors(RestoreFailed, f"{name} cannot be made", EXISTS)
                make(
                    self._client.create_db_instance,
                    DBInstanceIdentifier=name,
                    DBClusterIdentifier=plan.restored,
                    Tags=tags,
                    **member_values(member) | self._cheaper(plan),
                )

    def _wanted(self, plan: RecoveryPlan, old: Described) -> list[dict[str, Any]]:
        """The members to make, the writer first, because the first one made becomes the writer."""
        writers = {
            one["DBInstanceIdentifier"] for one in old.get("DBClusterMembers", ()) if one["IsClusterWriter"]
        }
        members = sorted(
            self._members(self.database), key=lambda one: one["DBInstanceIdentifier"] not in writers
        )
        return members[:1] if plan.kind == DRILL else members

    def _members(self, cluster: str) -> list[dict[str, Any]]:
        which = [{"Name": "db-cluster-id", "Values": [cluster]}]
        return self._ask("describe_db_instances", "DBInstances", Filters=which)

    def _instance(self, found: Described) -> Instance:
        members = [one["DBInstanceStatus"] for one in self._members(found["DBClusterIdentifier"])]
        # A cluster without members is available, and nobody serves it.
        others = [status for status in members if status != "available"] if members else ["creating"]
        status = others[0] if found["Status"] == "available" and others else found["Status"]
        return Instance(
            name=found["DBClusterIdentifier"],
            status=status,
            resource_id=found.get("DbClusterResourceId", ""),
            host=found.get("Endpoint", ""),
            port=found.get("Port", 0),
            tags=tags_in(found),
            retention=found.get("BackupRetentionPeriod", 0),
            pending=tuple(sorted(found.get("PendingModifiedValues") or {})),
        )

    def _restore(self, plan: RecoveryPlan, old: Described, tags: list[dict[str, str]]) -> None:
        values: Mapping[str, Any] = cluster_restore_values(old) | {"Tags": tags}
        if plan.snapshot:
            self._client.restore_db_cluster_from_snapshot(
                DBClusterIdentifier=plan.restored,
                SnapshotIdentifier=plan.snapshot,
                Engine=old["Engine"],
                # else the default version of the Region, which may be another major one
                EngineVersion=old["EngineVersion"],
                **values,
            )
        else:
            self._client.restore_db_cluster_to_point_in_time(
                DBClusterIdentifier=plan.restored,
                SourceDBClusterIdentifier=self.database,
                RestoreToTime=datetime.fromisoformat(str(plan.time)),
                **values,
            )

    def _missing(self, old: Described, new: Described) -> dict[str, Any]:
        return missing(old, new, LATER_CLUSTER)

    def _modify(self, name: str, **values: Any) -> None:
        self._client.modify_db_cluster(DBClusterIdentifier=name, ApplyImmediately=True, **values)

    def _discard(self, found: Described) -> None:
        name = found["DBClusterIdentifier"]
        if found.get("DeletionProtection"):
            self._modify(name, DeletionProtection=False)
        for member in self._members(name):
            if member["DBInstanceStatus"] != "deleting":
                self._client.delete_db_instance(
                    DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True
                )
        if found["Status"] != "deleting":
            self._client.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
