"""Validate: make the plan of a run, or say why there is none."""

from typing import Any

from dbmigrate.domain.errors import DbMigrateError
from dbmigrate.runtime import telemetry, wiring
from dbmigrate.runtime.database import database, open_bundle
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.validate import validate


@lambda_entry("validate", {"run": str}, traced=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check the bundle against the database and return the slim plan."""
    try:
        asked = (event["run"], event.get("request"), wiring.policy())
        return validate(*asked, wiring.bundle_store(), database(context), open_bundle)
    except DbMigrateError:
        telemetry.emit("ValidationErrors")
        raise
