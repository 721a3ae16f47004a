"""Tells people how a run ended."""

import time

from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.notify import notify, shape_of


@lambda_entry("notify", shape_of)
def handler(event, context):
    """Tell everyone how a run ended, or that one begins by force."""
    here, silent = settings(), wiring.policy().notification == "silent"
    return notify(
        event, here.environment, here.state_machine_arn, silent, time.time(), wiring.messages(), emit
    )
