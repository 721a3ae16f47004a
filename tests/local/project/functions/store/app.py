"""Asks other services for things that its role may or may not do."""

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], context: Any) -> Any:
    return globals()[event["do"]](event)


def put(event: dict[str, Any]) -> str:
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=event["key"], Body=b"x")
    return "stored"


def publish(event: dict[str, Any]) -> str:
    attributes = {
        name: {"DataType": "String", "StringValue": value} for name, value in event["attributes"].items()
    }
    boto3.client("sns").publish(
        TopicArn=os.environ["TOPIC"], Subject="News", Message=event["text"], MessageAttributes=attributes
    )
    return "published"


def measure(event: dict[str, Any]) -> str:
    boto3.client("cloudwatch").put_metric_data(
        Namespace=event["namespace"], MetricData=[{"MetricName": "Failures", "Value": event["value"]}]
    )
    return "measured"


def snapshot(event: dict[str, Any]) -> str:
    made = boto3.client("rds").create_db_snapshot(
        DBInstanceIdentifier="local-database", DBSnapshotIdentifier=event["name"], Tags=event.get("tags", [])
    )
    return made["DBSnapshot"]["Status"]


def log_in(event: dict[str, Any]) -> str:
    client = boto3.client("rds")
    return client.generate_db_auth_token(DBHostname="127.0.0.1", Port=5432, DBUsername=event["user"])
