"""Free storage, as CloudWatch tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dbmigrate.adapters.storage import free_bytes
from dbmigrate.runtime import wiring


def test_the_least_of_the_last_half_hour(aws) -> None:
    client = wiring.client("cloudwatch")
    for instance, value in (("app", 9e9), ("app", 7e9), ("other", 1e9)):
        point = {
            "MetricName": "FreeStorageSpace",
            "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": instance}],
            "Timestamp": datetime.now(UTC) - timedelta(minutes=5),
            "Value": value,
        }
        client.put_metric_data(Namespace="AWS/RDS", MetricData=[point])
    assert free_bytes(client, "app") == 7_000_000_000
    assert free_bytes(client, "unheard-of") is None
