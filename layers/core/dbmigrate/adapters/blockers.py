"""Asks the live database what is in the way of a revision, and ends sessions where that was approved.

Locks and virtual transaction ids are for all to see; since when a transaction runs and what it does is told
only to members of pg_read_all_stats. Ending a session takes pg_signal_backend.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.said import said, sqlstate
from dbmigrate.domain.blockers import (
    LAG_SECONDS,
    YOUNG_SECONDS,
    YOUNG_SNAPSHOT_SECONDS,
    Blocker,
    Foretold,
    in_pg_locks,
    replica_blocker,
    session_text,
    slot_blocker,
)
from dbmigrate.domain.errors import Failed

# One query: who holds a conflicting lock, prepared transactions among them, and who holds an old snapshot.
# A lock's virtualtransaction names the transaction, whoever asks: it is gone when that ends.
SESSIONS = """
WITH wanted AS (
    SELECT c.oid, w.relation, w.modes, w.seconds
      FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w (relation text, modes text[], seconds float8)
      JOIN pg_namespace n ON starts_with(w.relation, n.nspname || '.')
      JOIN pg_class c ON c.relnamespace = n.oid AND n.nspname || '.' || c.relname = w.relation),
here AS (SELECT oid FROM pg_database WHERE datname = current_database()),
held AS (
    SELECT l.pid, l.virtualtransaction AS transaction, min(w.seconds) AS seconds,
           string_agg(DISTINCT l.mode || ' on ' || w.relation, ', ') AS held
      FROM pg_locks l JOIN wanted w ON w.oid = l.relation AND l.mode = ANY (w.modes)
     WHERE l.locktype = 'relation' AND l.granted AND l.database = (SELECT oid FROM here)
     GROUP BY l.pid, l.virtualtransaction),
snapshots AS (
    SELECT a.pid, v.virtualtransaction AS transaction, CAST(:snapshot_seconds AS float8) AS seconds,
           NULL AS held
      FROM pg_stat_activity a
      JOIN pg_locks v ON v.pid = a.pid AND v.locktype = 'virtualxid' AND v.granted
     WHERE :snapshots AND a.backend_xmin IS NOT NULL AND a.datid = (SELECT oid FROM here)
       AND a.backend_type = 'client backend' AND a.pid NOT IN (SELECT pid FROM held WHERE pid IS NOT NULL)),
found AS (
    SELECT x.*, a.application_name AS name, a.usename AS owner, a.backend_type, a.state, a.query,
           extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age,
           extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS query_age,
           a.backend_type = 'client backend' AND NOT r.rolsuper AS endable
      FROM (SELECT * FROM held UNION ALL SELECT * FROM snapshots) x
      LEFT JOIN pg_stat_activity a ON a.pid = x.pid LEFT JOIN pg_roles r ON r.oid = a.usesysid)
SELECT f.*, session_user AS login, p.gid,
       p.owner AS prepared_by, extract(epoch FROM clock_timestamp() - p.prepared)::float8 AS since
  FROM found f
  LEFT JOIN pg_locks t ON f.pid IS NULL AND t.pid IS NULL AND t.virtualtransaction = f.transaction
        AND t.locktype = 'transactionid'
  LEFT JOIN pg_prepared_xacts p ON p.transaction = t.transactionid
 WHERE f.pid IS DISTINCT FROM pg_backend_pid() AND coalesce(f.name, '') !~ '^db-migrate( |$)'
   AND coalesce(f.backend_type, '') <> 'parallel worker'
   AND (f.age IS NULL OR f.age >= f.seconds)
 ORDER BY f.age DESC NULLS LAST, f.pid
"""
SLOTS = """
SELECT slot_name, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS kept,
       (SELECT nullif(setting::bigint, -1) * 1048576 FROM pg_settings WHERE name = 'max_slot_wal_keep_size')
           AS most
  FROM pg_replication_slots WHERE restart_lsn IS NOT NULL AND wal_status <> 'lost' ORDER BY slot_name
"""
REPLICAS = """
SELECT application_name, extract(epoch FROM replay_lag)::float8 AS lag
  FROM pg_stat_replication
 WHERE replay_lag > make_interval(secs => :seconds) AND replay_lsn IS NOT NULL ORDER BY 1
"""
"""An archive of the transactions, such as pg_receivewal, replays none: its lag only ever grows."""
IS_AURORA = "SELECT to_regproc('aurora_replica_status') IS NOT NULL"
AURORA_REPLICAS = """
SELECT server_id, replica_lag_in_msec / 1000.0 AS lag FROM aurora_replica_status()
 WHERE session_id <> 'MASTER_SESSION_ID' AND replica_lag_in_msec / 1000.0 > :seconds ORDER BY 1
"""
# A vacuum gives way to whoever has waited deadlock_timeout for it: with ours shorter than that, to nobody.
YIELDS = """
SELECT (SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout') <
       (SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout')
"""
END = """
SELECT pg_terminate_backend(:pid) WHERE EXISTS (
    SELECT FROM pg_locks WHERE pid = :pid AND locktype = 'virtualxid' AND granted
       AND virtualtransaction = :transaction)
"""
STILL = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = :pid AND virtualtransaction = :transaction)"
SNAPSHOT = "an old snapshot, for whose end CONCURRENTLY waits"
NOT_ALLOWED = "42501"
END_SECONDS = 5.0


def blockers(connection: Connection, foretold: Foretold) -> list[Blocker]:
    """Everything that is in the way now, sessions first, the oldest of them first."""
    found = [*_sessions(connection, foretold), *_slots(connection, foretold), *_replicas(connection)]
    connection.rollback()
    return found


def _sessions(connection: Connection, foretold: Foretold) -> Iterator[Blocker]:
    rows = _rows(connection, foretold)
    if any(row["age"] is None and row["pid"] for row in rows):
        # Nobody tells us their age; those that are there after a while are not young any more.
        connection.rollback()
        time.sleep(YOUNG_SECONDS)
        known = {(row["pid"], row["transaction"]) for row in rows}
        rows = [row for row in _rows(connection, foretold) if (row["pid"], row["transaction"]) in known]
    grantee = str(connection.exec_driver_sql("SELECT current_user").scalar_one())
    yields = bool(connection.exec_driver_sql(YIELDS).scalar_one())
    for row in rows:
        if blocker := _blocker(row, grantee, yields):
            yield blocker


def _rows(connection: Connection, foretold: Foretold) -> list[dict[str, Any]]:
    wanted = [
        {"relation": each.relation, "modes": [*map(in_pg_locks, each.modes)], "seconds": each.seconds}
        for each in foretold.wanted
    ]
    asked = {
        "wanted": json.dumps(wanted),
        "snapshots": foretold.snapshots,
        "snapshot_seconds": YOUNG_SNAPSHOT_SECONDS,
    }
    return [dict(row._mapping) for row in connection.execute(text(SESSIONS), asked)]


def _blocker(row: Mapping[str, Any], grantee: str, yields: bool) -> Blocker | None:
    if row["pid"] is None:
        return _prepared(row)
    if row["backend_type"] == "autovacuum worker":
        return _vacuum(row, grantee, yields)
    words = session_text({**row, "held": row["held"] or SNAPSHOT}, grantee)
    kind = "lock" if row["held"] else "snapshot"
    return Blocker(kind, words, row["pid"], row["transaction"], bool(row["endable"]))


def _prepared(row: Mapping[str, Any]) -> Blocker:
    gid = row["gid"] or "unknown"
    since = f" for {row['since']:.0f} s" if row["since"] else ""
    return Blocker(
        "prepared",
        f"prepared transaction '{gid}' of {row['prepared_by'] or 'somebody'} [{row['held']}]{since}; "
        f"its application, or you, must end it: COMMIT PREPARED '{gid}' or ROLLBACK PREPARED '{gid}'",
    )


def _vacuum(row: Mapping[str, Any], grantee: str, yields: bool) -> Blocker | None:
    wraparound = "to prevent wraparound" in (row["query"] or "")
    if yields and not wraparound:
        return None
    why = (
        "it does not give way: wait for its end"
        if wraparound
        else "it gives way only after deadlock_timeout, which our lock_timeout never reaches: wait, or let "
        f"an administrator run: ALTER ROLE {row['login']} SET deadlock_timeout = '50ms'"
    )
    return Blocker("vacuum", f"{session_text(row, grantee)} ({why})", row["pid"], row["transaction"])


def _slots(connection: Connection, foretold: Foretold) -> Iterator[Blocker]:
    for row in connection.exec_driver_sql(SLOTS):
        blocker = slot_blocker(row.slot_name, row.active, row.kept, row.most, foretold.wal_bytes)
        if blocker:
            yield blocker


def _replicas(connection: Connection) -> Iterator[Blocker]:
    asked = {"seconds": LAG_SECONDS}
    aurora = connection.exec_driver_sql(IS_AURORA).scalar_one()
    for name, lag in connection.execute(text(AURORA_REPLICAS if aurora else REPLICAS), asked):
        yield replica_blocker(name, float(lag))


def end(connection: Connection, blocker: Blocker) -> bool:
    """End a session if it is still in the same transaction; returns whether it was, after it is gone.

    Raises Failed where we may not, or where it does not go.
    """
    whom: dict[str, Any] = {"pid": blocker.pid, "transaction": blocker.transaction}
    try:
        ended = bool(connection.execute(text(END), whom).scalar())
    except DBAPIError as error:
        connection.rollback()
        if sqlstate(error) != NOT_ALLOWED:
            raise
        user = connection.exec_driver_sql("SELECT current_user").scalar_one()
        connection.rollback()
        raise Failed(
            f"This session may not be ended by {user}: {blocker.text} ({said(error)}).",
            f"GRANT pg_signal_backend TO {user}, then: db-migrate deploy --terminate-blockers",
        ) from error
    connection.rollback()
    limit = time.monotonic() + END_SECONDS
    while ended and _is_there(connection, whom):
        if time.monotonic() > limit:
            raise Failed(f"Told to end and still there: {blocker.text}.", "look: db-migrate status")
        time.sleep(0.02)
    return ended


def _is_there(connection: Connection, whom: Mapping[str, Any]) -> bool:
    there = bool(connection.execute(text(STILL), whom).scalar_one())
    connection.rollback()
    return there
