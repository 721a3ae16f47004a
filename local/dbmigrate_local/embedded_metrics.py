"""Metrics leave a function by its log; CloudWatch reads them there, and so does this."""

from __future__ import annotations

import json
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from dbmigrate_local.account import ACCOUNT, REGION


def put_embedded_metrics(log: str) -> None:
    """Put the metrics of each line that is in CloudWatch's embedded metric format."""
    for line in log.splitlines():
        if '"_aws"' in line:
            for namespace, data in metrics_of(line):
                cloudwatch_backends[ACCOUNT][REGION].put_metric_data(namespace, data)


def metrics_of(line: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """The namespaces and data of one log line; nothing when it only looks like one."""
    try:
        record = json.loads(line)
        directives = record["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return []
    return [(directive["Namespace"], list(data_of(record, directive))) for directive in directives]


def data_of(record: dict[str, Any], directive: dict[str, Any]) -> list[dict[str, Any]]:
    """One datum for each metric, value and set of dimensions."""
    return [
        {
            "MetricName": metric["Name"],
            "Value": float(value),
            "Unit": metric.get("Unit", "None"),
            "Dimensions": [{"Name": name, "Value": str(record[name])} for name in dimensions],
        }
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
        for value in as_list(record[metric["Name"]])
    ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
