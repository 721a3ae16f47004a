"""Deletes the backups that nobody keeps any more."""

import time

from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.prune_backups import prune_backups


@lambda_entry("prune_backups")
def handler(event, context):
    """Delete the environment's backups beyond the last so many, and tell everyone which."""
    here = settings()
    return prune_backups(
        here.environment,
        here.backups_kept,
        wiring.shelves(),
        wiring.runs(),
        (wiring.recoveries(), wiring.drills()),
        wiring.recovery_log(),
        wiring.messages(),
        time.time(),
        emit,
    )
