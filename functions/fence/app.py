"""Fence: shut the application out of its database, let it in again, or open the copy that took its place."""

import time
from typing import Any

from dbmigrate.runtime import telemetry, wiring
from dbmigrate.runtime.database import gate
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.fence import fence


@lambda_entry("fence", {"recovery": str, "wish": str}, traced=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do what a recovery wishes, and say what was changed."""
    answer = fence(event["recovery"], event["wish"], gate(context), wiring.recovery_log(), time.time())
    telemetry.emit("SessionsEnded", answer["ended"])
    return answer
