"""Swaps the restored instance for the old one, by their names."""

import time

from dbmigrate.domain.shape import OPTIONAL_OBJECT, PLAN
from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.swap import swap


@lambda_entry("swap", {"recovery": str, "plan": PLAN, "approval": OPTIONAL_OBJECT})
def handler(event, context):
    """Do the next step of the swap, and say which it is."""
    approval_required = wiring.policy().approval == "required"
    ports = (wiring.instances(), wiring.bundle_store(), wiring.recovery_log())
    return swap(event, approval_required, *ports, time.time())
