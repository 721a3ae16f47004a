"""A page that shows its event."""

import json
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    if event["pathParameters"]["id"] == "broken":
        raise RuntimeError("the page does not say why")
    if event["pathParameters"]["id"] == "plain":
        return {"any": "answer"}
    return {
        "statusCode": 201,
        "headers": {"Content-Type": "application/json", "X-Page": "yes"},
        "cookies": ["a=1"],
        "body": json.dumps(event),
    }
