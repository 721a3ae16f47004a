"""Restores a backup beside the old instance."""

import time

from dbmigrate.domain.shape import PLAN
from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.restore import restore


@lambda_entry("restore", {"recovery": str, "plan": PLAN, "wish": str})
def handler(event, context):
    """Start the restore, look how far it is, or discard what it made."""
    return restore(event, wiring.instances(), wiring.bundle_store(), wiring.recovery_log(), time.time())
