"""What differs between the drivers under plain Alembic: errors, and the transactions that pg8000 opens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.login import facts_of

SETTING = "set_connection_execution_options"


def code_of(error: BaseException) -> str:
    """PostgreSQL's error code, whichever driver tells it; "" where there is none."""
    original = getattr(error, "orig", None) or error
    told = facts_of(original).get("C") or getattr(original, "sqlstate", None)
    return str(told or getattr(original, "pgcode", None) or "")


def why(error: DBAPIError) -> str:
    """PostgreSQL's message and detail, whichever driver tells them."""
    facts = facts_of(error.orig)
    words = [facts[key] for key in ("M", "D") if key in facts] or [str(error.orig)]
    return " ".join(" ".join(words).split())


def repair_autocommit(engine: Engine) -> None:
    """Alembic's autocommit_block asks for the isolation level first; on pg8000 that opens a transaction which
    switching to autocommit does not close. Seen with alembic 1.20.1, SQLAlchemy 2.1.9, pg8000 1.31.6."""
    if engine.dialect.driver == "pg8000" and not event.contains(engine, SETTING, _close_what_is_open):
        event.listen(engine, SETTING, _close_what_is_open)


def _close_what_is_open(connection: Connection, options: dict[str, Any]) -> None:
    raw: Any = connection.connection.driver_connection
    if options.get("isolation_level") == "AUTOCOMMIT" and raw._in_transaction:
        raw.rollback()
