"""Asks smoke queries of a live database, where nothing can be written and nothing takes long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pg8000.dbapi
from sqlalchemy import Connection

from dbmigrate.adapters.login import execute_outside
from dbmigrate.adapters.said import said

if TYPE_CHECKING:
    from dbmigrate.domain.smoke import Smoke

SECONDS = 5
BEFORE = f"BEGIN READ ONLY; SET LOCAL statement_timeout = '{SECONDS}s'"
AFTER = "ROLLBACK"


def unanswered(connection: Connection, queries: Sequence[Smoke]) -> list[str]:
    """What is wrong with the answers, a sentence each: an error, no row, or a single value that is false or
    NULL."""
    raw: Any = connection.connection.driver_connection
    found = [(smoke, _wrong(raw, smoke)) for smoke in queries]
    return [f"{smoke.name} {wrong}" for smoke, wrong in found if wrong]


def _wrong(raw: Any, smoke: Smoke) -> str:
    path = f"; SET LOCAL search_path = {smoke.query.search_path}" if smoke.query.search_path else ""
    try:
        execute_outside(raw, f"{BEFORE}{path}")
        rows = execute_outside(raw, smoke.query.text)
    except pg8000.dbapi.DatabaseError as error:
        return f"fails: {said(error)}"
    finally:
        execute_outside(raw, AFTER)
    if not rows:
        return "returns no row"
    return f"says {rows[0][0]}" if len(rows[0]) == 1 and rows[0][0] in (None, False) else ""
