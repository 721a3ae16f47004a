"""Chooses the backup of a drill."""

import time

from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.service.plan_drill import Ports, plan_drill


@lambda_entry("plan_drill", {"drill": str, "execution": str, "request": dict})
def handler(event, context):
    """Say which backup is restored into what, or whose copy is still to be deleted."""
    ports = Ports(wiring.instances(), wiring.bundle_store(), wiring.drill_log(), time.time())
    return plan_drill(event, settings().environment, ports)
