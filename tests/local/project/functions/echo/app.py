"""Says what it sees: event, context, environment, credentials."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

CALLS = {"count": 0}


class Refused(Exception):
    """An error of the function's own."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if "refuse" in event:
        raise Refused(event["refuse"])
    CALLS["count"] += 1
    print(event.get("say", ""))
    return {
        "event": event,
        "calls": CALLS["count"],
        "module": __file__,
        "remaining": context.get_remaining_time_in_millis(),
        "request": context.aws_request_id,
        "environment": dict(os.environ),
        "environment_of_its_pool": environment_of_a_pool(),
        "identity": boto3.client("sts").get_caller_identity()["Arn"],
    }


def environment_of_a_pool():
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: dict(os.environ)).result()
