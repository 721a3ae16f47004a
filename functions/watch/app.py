"""Watches the application after an upgrade."""

from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.runtime.telemetry import logger
from dbmigrate.service.watch import watch


@lambda_entry("watch", {"run": str, "since": str})
def handler(event, context):
    """Look whether an alarm went off since the upgrade began."""
    seen = watch(event["since"], settings().alarm_names, wiring.alarms())
    if seen["missing"]:
        logger.warning("alarms that do not exist are not watched", missing=seen["missing"])
    return seen
