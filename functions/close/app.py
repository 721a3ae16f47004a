"""Close: write the end of a run into the ledger and give its lease back."""

from typing import Any

from dbmigrate.domain.shape import OPTIONAL_OBJECT, check_shape
from dbmigrate.runtime import telemetry, wiring
from dbmigrate.runtime.database import database
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.close import close, ended_run


@lambda_entry("close")
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Close the run that the state machine, or an event about an execution that ended by itself, names."""
    if "detail" in event:
        check_shape("close", event, {"detail": {"name": str, "status": str}})
        run, outcome, failure = ended_run(event)
        plan: dict[str, Any] = {}
    else:
        check_shape("close", event, {"run": str, "plan": dict, "outcome": str, "failure": OPTIONAL_OBJECT})
        run, outcome, failure, plan = event["run"], event["outcome"], event["failure"], event["plan"]
    end = close(run, plan, outcome, failure, wiring.policy(), database(context), wiring.bundle_store())
    if end["seconds"] is not None:
        telemetry.emit("RunSeconds", end["seconds"])
        telemetry.emit("RunSlowerThanPredicted", int(end["slower"]))
    return end
