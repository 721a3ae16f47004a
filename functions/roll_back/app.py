"""Roll back: undo the newest revision that this run applied."""

import time
from typing import Any

from dbmigrate.domain.shape import OPTIONAL_OBJECT, PLAN
from dbmigrate.runtime import telemetry, wiring
from dbmigrate.runtime.database import database, open_bundle
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.advance import advance
from dbmigrate.service.roll_back import roll_back


@lambda_entry("roll_back", {"run": str, "plan": PLAN, "before": OPTIONAL_OBJECT}, traced=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Undo one step and say how far the way back is."""
    given = (event["run"], event["plan"], wiring.policy(), wiring.bundle_store())
    answer = roll_back(*given, database(context), open_bundle)
    return advance(event.get("before") or {}, answer, time.time(), telemetry.emit)
