"""Takes longer than it may."""

import threading
from typing import Any


def handler(event: dict[str, Any], context: Any) -> str:
    threading.Event().wait(event["seconds"])
    return "late"
