"""Counts what a way back would drop. Only what is read in a moment is counted, the rest is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pg8000.dbapi
from sqlalchemy import Connection, text

from dbmigrate.adapters.login import execute_outside

MOST_BYTES = 256 * 1024 * 1024
SECONDS = 10
# The catalog's names, put together as everywhere here, so that none has to be taken apart.
PLACES = """
SELECT found.name, format('%I.%I', n.nspname, c.relname), found.column_name, c.oid
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN LATERAL (
       SELECT n.nspname || '.' || c.relname AS name, NULL::text AS column_name
       UNION ALL
       SELECT n.nspname || '.' || c.relname || '.' || a.attname, format('%I', a.attname) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) found ON true
 WHERE c.relkind IN ('r', 'p') AND found.name = ANY (:names)
"""
SIZE = """SELECT greatest(pg_relation_size({oid}),
    (SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree({oid})))"""


def held(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """Rows of the tables, values of the columns that are not NULL, by their full names."""
    if not names:
        return {}
    places = connection.execute(text(PLACES), {"names": list(names)}).all()
    connection.rollback()
    raw: Any = connection.connection.driver_connection
    counts = {name: _count(raw, table, column, oid) for name, table, column, oid in places}
    return {name: count for name, count in counts.items() if count is not None}


def _count(raw: Any, table: str, column: str | None, oid: int) -> int | None:
    """None when it would take long, or a lock is not free."""
    try:
        execute_outside(raw, f"BEGIN READ ONLY; SET LOCAL statement_timeout = '{SECONDS}s'")
        if execute_outside(raw, SIZE.format(oid=oid))[0][0] > MOST_BYTES:
            return None
        return int(execute_outside(raw, f"SELECT count({column or '*'}) FROM {table}")[0][0])
    except pg8000.dbapi.DatabaseError:
        return None
    finally:
        execute_outside(raw, "ROLLBACK")
