"""Records how a drill ended, and measures how long ago one was good."""

import time

from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.record_drill import measure_drills, record_drill, shape_of


@lambda_entry("record_drill", shape_of)
def handler(event, context):
    """Keep what a drill found; on the schedule, measure the age of the last good one."""
    if "question" in event:
        return measure_drills(wiring.drill_log(), time.time(), emit)
    return record_drill(event, settings().environment, wiring.drill_log(), time.time(), emit)
