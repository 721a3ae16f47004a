"""What a fence leaves in the database: who had which rights before, and the lease that keeps runs away."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

# A fence that stands has no lifted_at. ``acl`` is pg_database.datacl as text; NULL is PostgreSQL's default.
TABLE = """CREATE TABLE IF NOT EXISTS dbmigrate.fence (
    recovery text NOT NULL,
    database text NOT NULL,
    acl text[],
    connection_limit integer NOT NULL,
    fenced_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lifted_at timestamptz,
    PRIMARY KEY (recovery, database))"""
EXISTS = "SELECT to_regclass('dbmigrate.fence') IS NOT NULL"
# The first record of a standing fence is what was before it; a second fencing must not overwrite it.
RECORD = """
INSERT INTO dbmigrate.fence (recovery, database, acl, connection_limit)
SELECT :recovery, datname, datacl::text[], datconnlimit FROM pg_database WHERE datname = :database
ON CONFLICT (recovery, database) DO UPDATE
   SET acl = excluded.acl, connection_limit = excluded.connection_limit,
       fenced_at = excluded.fenced_at, lifted_at = NULL
 WHERE fence.lifted_at IS NOT NULL"""
STANDING = """SELECT recovery, database, acl, connection_limit, fenced_at FROM dbmigrate.fence
 WHERE lifted_at IS NULL ORDER BY database"""
LIFTED = "UPDATE dbmigrate.fence SET lifted_at = clock_timestamp() WHERE lifted_at IS NULL"
LEASE = """
INSERT INTO dbmigrate.run (name, bundle, plan, direction, requested_by)
VALUES (:recovery, '', '', :direction, current_user)
ON CONFLICT (name) DO UPDATE
   SET ended_at = NULL, outcome = NULL, direction = excluded.direction"""
OF_FENCE, OF_COPY = "fence", "recovery"
"""The direction of a recovery's line in the ledger: on the old instance its lease, on the copy its mark. A
copy of the fenced instance holds the first, and must not be taken for marked."""
MARKED = "SELECT true FROM dbmigrate.run WHERE name = :recovery AND direction = 'recovery'"
OVERTAKEN = """
UPDATE dbmigrate.run SET ended_at = clock_timestamp(), outcome = 'Recovered',
       detail = concat_ws(chr(10), detail, 'The database went back to before the end of this run.')
 WHERE ended_at IS NULL AND name <> :recovery"""


def create(connection: Connection) -> None:
    """Make the table where it is missing."""
    if not _exists(connection):
        connection.exec_driver_sql(TABLE)


def standing(connection: Connection) -> list[Any]:
    """The rows of the fence that stands."""
    return list(connection.exec_driver_sql(STANDING)) if _exists(connection) else []


def told(connection: Connection) -> dict[str, Any] | None:
    """The standing fence as the status report has it; None when there is none."""
    rows = standing(connection)
    if not rows:
        return None
    since = min(row.fenced_at for row in rows).isoformat(timespec="seconds")
    return {"recovery": rows[0].recovery, "since": since, "databases": [row.database for row in rows]}


def record(connection: Connection, recovery: str, database: str) -> None:
    """Keep what the database's grants and limit are, unless this fence has them on record already."""
    connection.execute(text(RECORD), {"recovery": recovery, "database": database})


def lift(connection: Connection) -> None:
    """The fence stands no more; its record stays."""
    connection.exec_driver_sql(LIFTED)


def take_lease(connection: Connection, recovery: str, direction: str) -> None:
    """Open the recovery's line: no run begins while it is open."""
    connection.execute(text(LEASE), {"recovery": recovery, "direction": direction})


def close_overtaken(connection: Connection, recovery: str) -> int:
    """End the runs that a copy holds as open, though nobody works on it any more; how many there were."""
    return connection.execute(text(OVERTAKEN), {"recovery": recovery}).rowcount


def is_marked(connection: Connection, recovery: str) -> bool:
    """Whether this is the copy that the recovery has verified."""
    has_ledger = connection.exec_driver_sql("SELECT to_regclass('dbmigrate.run') IS NOT NULL").scalar_one()
    return bool(has_ledger and connection.execute(text(MARKED), {"recovery": recovery}).scalar())


def _exists(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql(EXISTS).scalar_one())
