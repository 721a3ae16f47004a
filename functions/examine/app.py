"""Examine: is the restored copy whole, and how does it differ from the old instance?"""

import time
from typing import Any

from dbmigrate.domain.shape import OPTIONAL_OBJECT, PLAN
from dbmigrate.runtime import wiring
from dbmigrate.runtime.database import instances
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.service.examine import Ports, examine

SHAPE = {
    "recovery": str,
    "plan": PLAN,
    "question": str,
    "restored": {"host": str, "port": int},
    "cursor": OPTIONAL_OBJECT,
}


@lambda_entry("examine", SHAPE, traced=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Verify the copy or compare it, for as long as a slice lasts."""
    log = wiring.recovery_log()
    with instances(context, event["restored"]) as both:
        ports = Ports(both.copy, both.old, log, log, wiring.bundle_store(), time.time())
        return examine(event, ports, both.until, settings().examination_seconds)
