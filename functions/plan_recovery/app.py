"""Plans a recovery, or finds the one that goes on or is given up."""

import time

from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.service.plan_recovery import Ports, plan_recovery


@lambda_entry("plan_recovery", {"recovery": str, "execution": str, "request": dict})
def handler(event, context):
    """Say what will be restored into what, and refuse what RDS could not do."""
    ports = Ports(
        wiring.instances(), wiring.bundle_store(), wiring.recovery_log(), wiring.executions(), time.time()
    )
    return plan_recovery(event, settings().environment, ports)
