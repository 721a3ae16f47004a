"""What RDS and CloudWatch say of the database's server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from dbmigrate.domain.errors import ServerNotReady
from dbmigrate.domain.server_load import ServerLoad

RECENT = timedelta(minutes=5)
OVER = {"SWITCHOVER_COMPLETED", "DELETING"}
"""States of a blue/green deployment in which nothing is replicated any more."""
Measured = Mapping[str, float]
Query = tuple[str, str, str]
"""A key of the answer that nothing else has, the metric, and the instance that it is of."""


class RdsServerLoad:
    """Looks at an RDS instance or an Aurora cluster; changes nothing."""

    def __init__(self, rds: Any, cloudwatch: Any, database: str, is_cluster: bool) -> None:
        self._rds, self._cloudwatch = rds, cloudwatch
        self._database, self._is_cluster = database, is_cluster

    def look(self) -> ServerLoad:
        """The server as it is now. Raises ServerNotReady when RDS or CloudWatch does not say."""
        try:
            return self._cluster() if self._is_cluster else self._instance()
        except ClientError as error:
            said = error.response["Error"]
            raise ServerNotReady(
                f"{self._database} cannot be measured: {said['Code']}: {said.get('Message', '')}",
                "look at the measure function's log and role, then start the run again: db-migrate deploy",
            ) from error

    def _instance(self) -> ServerLoad:
        found = self._rds.describe_db_instances(DBInstanceIdentifier=self._database)["DBInstances"][0]
        replicas = found.get("ReadReplicaDBInstanceIdentifiers", [])
        own = {"free": "FreeStorageSpace", "cpu": "CPUUtilization", "write": "WriteLatency"}
        lags = [(f"lag{number}", "ReplicaLag", replica) for number, replica in enumerate(replicas)]
        seen = self._latest([*((key, metric, self._database) for key, metric in own.items()), *lags])
        # PostgreSQL's replicas report -1 while they replicate nothing
        known = [lag for key, lag in seen.items() if key.startswith("lag") and lag >= 0]
        return ServerLoad(
            self._database,
            found["DBInstanceStatus"],
            self._deployments(found["DBInstanceArn"]),
            free_bytes=_whole(seen.get("free")),
            cpu=seen.get("cpu"),
            replica_lag=max(known, default=None),
            write_latency=_times(seen.get("write"), 1000),
        )

    def _cluster(self) -> ServerLoad:
        found = self._rds.describe_db_clusters(DBClusterIdentifier=self._database)["DBClusters"][0]
        members = found.get("DBClusterMembers", [])
        writer = next((m["DBInstanceIdentifier"] for m in members if m["IsClusterWriter"]), "")
        own = {
            "free": "FreeLocalStorage",
            "cpu": "CPUUtilization",
            "lag": "AuroraReplicaLagMaximum",
            "commit": "CommitLatency",
        }
        seen = self._latest((key, metric, writer) for key, metric in own.items()) if writer else {}
        return ServerLoad(
            self._database,
            found["Status"],
            self._deployments(found["DBClusterArn"]),
            free_bytes=_whole(seen.get("free")),
            storage_grows=True,
            cpu=seen.get("cpu"),
            replica_lag=_times(seen.get("lag"), 0.001),
            commit_latency=seen.get("commit"),
        )

    def _deployments(self, source: str) -> tuple[str, ...]:
        pages = self._rds.get_paginator("describe_blue_green_deployments").paginate(
            Filters=[{"Name": "source", "Values": [source]}]
        )
        found = [deployment for page in pages for deployment in page["BlueGreenDeployments"]]
        active = [one for one in found if one.get("Source") == source and one.get("Status") not in OVER]
        return tuple(one["BlueGreenDeploymentName"] for one in active)

    def _latest(self, queries: Iterable[Query]) -> Measured:
        """The newest minute's average of each metric; one that nobody measured of late is absent."""
        now = datetime.now(UTC)
        asked = [_metric(*query) for query in queries]
        answer = self._cloudwatch.get_metric_data(
            MetricDataQueries=asked, StartTime=now - RECENT, EndTime=now, ScanBy="TimestampDescending"
        )
        return {one["Id"]: one["Values"][0] for one in answer["MetricDataResults"] if one["Values"]}


def _metric(key: str, name: str, instance: str) -> dict[str, Any]:
    dimensions = [{"Name": "DBInstanceIdentifier", "Value": instance}]
    metric = {"Namespace": "AWS/RDS", "MetricName": name, "Dimensions": dimensions}
    return {"Id": key, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _times(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor
