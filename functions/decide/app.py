"""The approval page. Imports little: a person waits for its cold start."""

import time

from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.http import HTTP_EVENT, serve
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.decide import answer_click
from dbmigrate.service.desk import Desk


@lambda_entry("decide", HTTP_EVENT)
def handler(event, context):
    """Show an approver the plan, and take the decision."""
    return serve(event, lambda click: answer_click(click, desk()))


def desk():
    """What a decision touches, as it is for this click."""
    return Desk(wiring.approvals(), wiring.bundle_store(), wiring.task_tokens(), emit, time.time())
