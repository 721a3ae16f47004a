"""Rehearse: upgrade the copy of a drill with what is pending, and measure it."""

import time
from typing import Any

from dbmigrate.domain.shape import OPTIONAL_OBJECT, PLAN
from dbmigrate.runtime import wiring
from dbmigrate.runtime.database import open_bundle, restored_copy
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.rehearse import Ports, rehearse, verify_rehearsal

SHAPE = {
    "drill": str,
    "plan": PLAN,
    "restored": {"id": str, "host": str, "port": int},
    "bundles": list,
    "before": OPTIONAL_OBJECT,
    "question": str,
}


@lambda_entry("rehearse", SHAPE, traced=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run one revision on the copy, or verify what all of them made of it."""
    copy = restored_copy(context, event["restored"])
    ports = Ports(copy, open_bundle, copy.watch, wiring.drill_log(), time.time)
    before = event.get("before") or {}
    if event["question"] == "verify":
        return verify_rehearsal(event["drill"], before, ports)
    return rehearse(event["drill"], event["bundles"], before, ports)
