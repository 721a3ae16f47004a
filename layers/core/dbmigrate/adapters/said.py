"""What PostgreSQL says when something fails, in its own words."""

from __future__ import annotations

import re
from typing import Any

import pg8000.dbapi
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.login import facts_of
from dbmigrate.domain.blockers import in_pg_locks, session_text, waits_for
from dbmigrate.domain.statements import COMMENT, LITERAL, NAME, qualified

# The server has ended the session: shutdown, crash, pg_terminate_backend, or a timeout between statements.
ENDED = ("57P01", "57P02", "57P03", "57P05", "25P03", "25P04")
# CONCURRENTLY, VACUUM and their like, refused in a transaction; Alembic opens one for every revision.
INSIDE = "25001"
OUTSIDE = "Put it into 'with op.get_context().autocommit_block():', alone in its revision"
# Who holds a lock for which the failed statement waits: on the tables that it names, by themselves or by an
# index or constraint of theirs, on their partitions, and on the other side of a foreign key. Else the oldest
# transactions.
# Other roles' sessions show neither since when nor what to a role without pg_read_all_stats, which on RDS is
# the rule; but every transaction holds a lock on its own virtual id, and locks are for all to see.
HOLDERS = """
WITH named AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = ANY (:names) OR n.nspname || '.' || c.relname = ANY (:names)),
tables AS (
    SELECT oid FROM named
     UNION SELECT indrelid FROM pg_index JOIN named ON named.oid = indexrelid
     UNION SELECT unnest(ARRAY[conrelid, confrelid]) FROM pg_constraint
            WHERE conname = ANY (:names) OR :drops AND contype = 'f' AND conrelid IN (SELECT oid FROM named)
     UNION SELECT inhrelid FROM pg_inherits JOIN named ON named.oid = inhparent),
found AS (
    SELECT a.pid, nullif(a.application_name, '') AS name, a.usename AS owner, a.xact_start, a.query, a.state,
           extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age,
           extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS query_age,
           (SELECT string_agg(DISTINCT l.mode || ' on ' || l.relation::regclass::text, ', ')
              FROM pg_locks l JOIN tables t ON t.oid = l.relation
             WHERE l.pid = a.pid AND l.granted AND l.database = a.datid AND l.mode = ANY (:modes)) AS held
      FROM pg_stat_activity a
     WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
       AND EXISTS (SELECT FROM pg_locks v WHERE v.pid = a.pid AND v.locktype = 'virtualxid' AND v.granted))
SELECT *, current_user AS me FROM found ORDER BY held IS NULL, xact_start LIMIT 3
"""
DROPS = re.compile(r"\bDROP\s+TABLE\b", re.IGNORECASE)


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


def interrupt_of(error: BaseException | None) -> KeyboardInterrupt | None:
    """The Ctrl-C behind an error: it breaks the connection that it meets at work, and whatever is then asked
    of that (leaving an autocommit_block does) fails."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


def lock_holders(connection: Connection, statement: str) -> str:
    """Who holds what the statement waited for, as far as the locks tell; ends the open transaction, but not
    an autocommit_block, which would miss what it has begun."""
    bare = COMMENT.sub(" ", LITERAL.sub("''", statement))
    asked = {
        "names": _names(bare),
        "modes": [*map(in_pg_locks, waits_for(bare))],
        "drops": bool(DROPS.search(bare)),
    }
    rows = connection.execute(text(HOLDERS), asked).all()
    raw: Any = connection.connection.driver_connection
    if not raw.autocommit:
        connection.rollback()
    if not rows:
        return "Its holder has gone since."
    exact = [row for row in rows if row.held]
    holders = [session_text(dict(row._mapping), row.me) for row in exact or rows]
    return ("Held by " if exact else "Oldest open transactions: ") + "; ".join(holders)


def _names(statement: str) -> list[str]:
    """Everything in the statement that may be a table's name, as PostgreSQL keeps it."""
    found = set()
    for written in re.findall(NAME, statement):
        full = qualified(written)
        found |= {full} if "." in written else {full.removeprefix("public.")}
    return sorted(found)
