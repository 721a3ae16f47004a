"""The free storage of an RDS instance, as CloudWatch knows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

LOOKED_BACK = timedelta(minutes=30)


def free_bytes(cloudwatch: Any, instance: str) -> int | None:
    """The least that was free in the last half hour; None when CloudWatch knows nothing of the instance.

    Raises botocore's ClientError, for instance where the caller may not call cloudwatch:GetMetricStatistics.
    """
    now = datetime.now(UTC)
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="FreeStorageSpace",
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": instance}],
        StartTime=now - LOOKED_BACK,
        EndTime=now,
        Period=300,
        Statistics=["Minimum"],
    )
    return min((int(point["Minimum"]) for point in answer["Datapoints"]), default=None)
