"""Asks the approvers, and measures how long they let a run wait."""

import time

from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.measure_waiting import measure_waiting
from dbmigrate.service.request_approval import Ports, request_approval, shape_of


@lambda_entry("request_approval", shape_of)
def handler(event, context):
    """Send every approver but the requester a link of their own; on the schedule, measure the waiting."""
    now, here = int(time.time()), settings()
    if "question" in event:
        return measure_waiting(wiring.approvals(), now, emit)
    ports = Ports(wiring.approvals(), wiring.bundle_store(), wiring.messages(), emit)
    return request_approval(event, here.approvers, here.approval_url, now, ports)
