"""Asks the approvers."""

import time

from dbmigrate.domain.shape import OPTIONAL_OBJECT, PLAN
from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.request_approval import request_approval

NUMBER = (int, float)
SHAPE = {"run": str, "plan": PLAN, "backup": OPTIONAL_OBJECT, "token": str, "expires_in": NUMBER}


@lambda_entry("request_approval", SHAPE)
def handler(event, context):
    """Send every approver but the requester a link of their own."""
    request_approval(
        event,
        settings().approvers,
        settings().approval_url,
        int(time.time()),
        wiring.approvals(),
        wiring.bundle_store(),
        wiring.messages(),
        emit,
    )
