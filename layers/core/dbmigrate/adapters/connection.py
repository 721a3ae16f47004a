"""Connections to PostgreSQL: every one has its limits before anything else happens on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from dbmigrate.adapters.login import execute_outside, open_raw
from dbmigrate.adapters.target import Limits, Target, target_from_url

__all__ = ["Limits", "Target", "connected", "engine_for", "open_raw", "target_from_url"]


@contextlib.contextmanager
def connected(target: Target, limits: Limits) -> Iterator[Connection]:
    """One connection, closed at the end whatever happens."""
    engine = engine_for(target, limits)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def engine_for(target: Target, limits: Limits) -> Engine:
    """An engine that opens a connection of its own each time, with the limits and the autocommit repair."""
    engine = create_engine(
        "postgresql+pg8000://",
        creator=lambda: _ending_in_one_trip(open_raw(target, limits)),
        poolclass=NullPool,
    )
    _repair_autocommit(engine, limits)
    return engine


def _ending_in_one_trip(raw: Any) -> Any:
    """pg8000 1.31.6 goes to the server three times to end a transaction (parse, describe, execute), and there
    is one for every revision."""

    def end(how: str) -> None:
        if raw._in_transaction:
            raw.execute_simple(how)

    raw.commit, raw.rollback = partial(end, "commit"), partial(end, "rollback")
    return raw


def _repair_autocommit(engine: Engine, limits: Limits) -> None:
    """Alembic's autocommit_block asks for the isolation level first; on pg8000 that opens a transaction which
    switching to autocommit does not close, and CONCURRENTLY then fails. Seen with alembic 1.20.1, SQLAlchemy
    2.1.9, pg8000 1.31.6."""

    @event.listens_for(engine, "set_connection_execution_options")
    def _close_the_open_transaction(connection: Connection, options: dict[str, Any]) -> None:
        if "isolation_level" not in options:
            return
        raw: Any = connection.connection.driver_connection
        outside = options["isolation_level"] == "AUTOCOMMIT"
        if outside and raw._in_transaction:
            raw.rollback()
        execute_outside(raw, f"SET lock_timeout = {limits.concurrent_lock if outside else limits.lock}")
