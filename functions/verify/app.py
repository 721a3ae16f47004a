"""Verify: is the database what was rehearsed?"""

from typing import Any

from dbmigrate.domain.shape import PLAN
from dbmigrate.runtime.database import database, open_bundle
from dbmigrate.runtime.entry import lambda_entry
from dbmigrate.service.verify import verify


@lambda_entry("verify", {"run": str, "plan": PLAN, "phase": str}, traced=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Compare revision, catalog and indexes with the evidence."""
    return verify(event["plan"], event["phase"], database(context), open_bundle)
