"""Inspect: what is true in the database?"""

from typing import Any

from dbmigrate.domain.shape import PLAN, check_shape
from dbmigrate.runtime import telemetry
from dbmigrate.runtime.database import database, open_bundle
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.service.inspect import ask_the_database, status


@lambda_entry("inspect", traced=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the state machine after a lost answer; to people and the schedule, give the status report, the
    tables' sizes or the latest runs."""
    if "plan" in event:
        check_shape("inspect", event, {"run": str, "plan": PLAN, "phase": str})
        return ask_the_database(event["run"], event["plan"], event["phase"], database(context), open_bundle)
    if event.get("question") == "sizes":
        return database(context).stats().to_json()
    if event.get("question") == "runs":
        return {"runs": database(context).runs()}
    report = status(settings().environment, database(context), None)
    telemetry.emit("DriftFound", int(report["drift"]))
    return report
