"""Steer: pause a run, let it go on, or stop what it does in the database."""

from typing import Any

from dbmigrate.runtime.database import steering
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.steer import steer


@lambda_entry("steer", {"run": str, "wish": str, "by": str}, traced=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do what a person wishes of a run, and say what came of it."""
    reach, patience = steering(context)
    return steer(event["run"], event["wish"], event["by"], reach, patience)
