"""Measures the server before the upgrade and between the slices of long work."""

import time

from dbmigrate.domain.errors import ServerNotReady
from dbmigrate.domain.shape import OPTIONAL_OBJECT, PLAN
from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.advance import held_up
from dbmigrate.service.measure import measure


@lambda_entry("measure", {"run": str, "plan": PLAN, "progress": OPTIONAL_OBJECT})
def handler(event, context):
    """Say what was measured, or why the plan must wait or end."""
    try:
        return measure(event["plan"], wiring.server_load(), settings().load_limits)
    except ServerNotReady:
        held_up(event.get("progress") or {}, time.time(), emit)
        raise
