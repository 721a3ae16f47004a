"""Measures the server before the upgrade and between the slices of long work."""

from dbmigrate.domain.errors import ServerNotReady
from dbmigrate.domain.shape import PLAN
from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.measure import measure


@lambda_entry("measure", {"run": str, "plan": PLAN})
def handler(event, context):
    """Say what was measured, or why the plan must wait or end."""
    try:
        return measure(event["plan"], wiring.server_load(), settings().load_limits)
    except ServerNotReady:
        emit("ServerNotReady")
        raise
