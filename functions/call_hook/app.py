"""Calls the user's own way to stop or to start the application."""

from dbmigrate.domain.shape import OPTIONAL_OBJECT
from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.settings import settings
from dbmigrate.service.call_hook import call_hook


@lambda_entry("call_hook", {"recovery": str, "when": str, "job": OPTIONAL_OBJECT})
def handler(event, context):
    """Stop the application before a recovery, or start it after one."""
    configured = {"stop": settings().stop_hook, "start": settings().start_hook}
    return call_hook(event, configured, settings().environment, wiring.hooks())
