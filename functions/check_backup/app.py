"""Looks how far a backup is."""

from dbmigrate.runtime import wiring
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.runtime.telemetry import emit
from dbmigrate.service.check_backup import check_backup


@lambda_entry("check_backup", {"run": str, "backup": {"id": str}})
def handler(event, context):
    """Look how far the backup of a run is, and see to its copy."""
    return check_backup(event, wiring.backups(), wiring.copies(), emit)
