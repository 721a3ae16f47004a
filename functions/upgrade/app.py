"""Upgrade: run the next revision of the approved plan."""

import time
from typing import Any

from dbmigrate.domain.shape import OPTIONAL_OBJECT, PLAN
from dbmigrate.runtime import telemetry, wiring
from dbmigrate.runtime.database import database, open_bundle
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.advance import advance
from dbmigrate.service.upgrade import upgrade

SHAPE = {"run": str, "plan": PLAN, "approval": dict, "force": dict, "before": OPTIONAL_OBJECT}


@lambda_entry("upgrade", SHAPE, traced=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run one step and say how far the plan is."""
    given = (event["run"], event["plan"], event["approval"], event["force"])
    answer = upgrade(*given, wiring.policy(), wiring.bundle_store(), database(context), open_bundle)
    telemetry.emit("RevisionSeconds", answer["seconds"])
    telemetry.emit("LockWaits", answer["lock_waits"])
    telemetry.emit("SessionsEnded", len(answer.get("terminated", ())))
    return advance(event.get("before") or {}, answer, time.time(), telemetry.emit)
