"""Starts the backup of a run."""

import time

from dbmigrate.domain.shape import OPTIONAL_OBJECT, PLAN
from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.start_backup import start_backup


@lambda_entry("start_backup", {"run": str, "plan": PLAN, "previous": OPTIONAL_OBJECT})
def handler(event, context):
    """See that RDS could go back to any moment, and start the backup of a run."""
    return start_backup(event, wiring.backups(), settings().point_in_time, time.time(), emit)
