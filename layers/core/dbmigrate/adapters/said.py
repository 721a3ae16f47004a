"""What PostgreSQL says when something fails, in its own words."""

from __future__ import annotations

from typing import Any

import pg8000.dbapi
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.login import facts_of

# The server has ended the session: shutdown, crash, pg_terminate_backend, or a timeout between statements.
ENDED = ("57P01", "57P02", "57P03", "57P05", "25P03", "25P04")
# CONCURRENTLY, VACUUM and their like, refused in a transaction; Alembic opens one for every revision.
INSIDE = "25001"
OUTSIDE = "Put it into 'with op.get_context().autocommit_block():', alone in its revision"
# Who holds a lock on a table that the failed statement names; else the oldest transactions: likely holders.
# Other roles' sessions show neither since when nor what to a role without pg_read_all_stats, which on RDS is
# the rule; but every transaction holds a lock on its own virtual id, and locks are for all to see.
HOLDERS = """
SELECT pid, name, owner, age, query, held FROM (
    SELECT a.pid, coalesce(nullif(a.application_name, ''), 'no name') AS name, a.usename AS owner,
           a.xact_start, a.query,
           extract(epoch FROM clock_timestamp() - a.xact_start)::int AS age,
           (SELECT string_agg(DISTINCT l.mode || ' on ' || l.relation::regclass::text, ', ')
              FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
             WHERE l.pid = a.pid AND l.granted AND l.database = a.datid AND c.relkind IN ('r', 'p', 'm')
               AND position(c.relname IN :statement) > 0) AS held
      FROM pg_stat_activity a
     WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
       AND EXISTS (SELECT FROM pg_locks v WHERE v.pid = a.pid AND v.locktype = 'virtualxid' AND v.granted)) x
 ORDER BY held IS NULL, xact_start LIMIT 3
"""


def sqlstate(error: BaseException) -> str:
    """The five letters of PostgreSQL's error code, "" where there is none."""
    return facts_of(getattr(error, "orig", error)).get("C", "")


def said(error: BaseException) -> str:
    """PostgreSQL's own words: message, detail and hint, and the statement that failed."""
    original = getattr(error, "orig", None) or error
    facts = facts_of(original)
    if not facts:
        return f"{type(original).__name__}: {original}"
    words = [facts[key].rstrip(".") for key in ("M", "D", "H") if key in facts]
    statement = " ".join(str(getattr(error, "statement", "") or "").split())
    words += [f"Statement: {statement[:500]}"] if statement else []
    return ". ".join([*words, *([OUTSIDE] if facts.get("C") == INSIDE else [])])


def is_broken(error: BaseException, connection: Connection) -> bool:
    """Whether the connection is gone, so that nobody here knows what became of the open transaction."""
    if connection.closed or connection.invalidated:
        return True
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, pg8000.dbapi.InterfaceError) or sqlstate(error) in ENDED


def lock_holders(connection: Connection, statement: str) -> str:
    """Who holds what the statement waited for, as far as the locks tell; ends the open transaction."""
    rows = connection.execute(text(HOLDERS), {"statement": statement}).all()
    connection.rollback()
    if not rows:
        return "Its holder has gone since."
    exact = [row for row in rows if row.held]
    return ("Held by " if exact else "Oldest open transactions: ") + "; ".join(map(_holder, exact or rows))


def _holder(row: Row[Any]) -> str:
    locks = f" [{row.held}]" if row.held else ""
    if row.age is None:
        return f"pid {row.pid} ({row.name}) of {row.owner}{locks}, more with: GRANT pg_read_all_stats"
    return f"pid {row.pid} ({row.name}), {row.age} s{locks}: {' '.join(row.query.split())[:80]}"
