"""The sessions that a fence ends: clients of every database that are neither ours nor the server's own."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection, text

POLL_SECONDS = 0.01
# Another role's backend_type is hidden from a role without pg_read_all_stats.
CLIENTS = """
  FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
 WHERE a.datname = ANY (:names) AND a.pid <> pg_backend_pid() AND NOT r.rolsuper
   AND r.rolname <> session_user AND r.rolname !~ '^rds.*admin$'
   AND coalesce(a.backend_type, 'client backend') = 'client backend'
   AND a.pid NOT IN (SELECT w.pid FROM pg_stat_replication w)"""
BEYOND_US = f"""
SELECT DISTINCT quote_ident(r.rolname) {CLIENTS}
   AND NOT pg_has_role(current_user, 'pg_signal_backend', 'USAGE')
   AND NOT pg_has_role(current_user, a.usesysid, 'USAGE') ORDER BY 1"""
# Sessions of a role that may connect yet are ended, too; to wait until it comes no more would not end.
END = f"""
SELECT a.pid, NOT has_database_privilege(a.usesysid, a.datid, 'CONNECT') AS barred,
       pg_terminate_backend(a.pid) {CLIENTS}"""
# One that logs in just now has been let in, perhaps, and is not listed yet; but it has locked its database.
ARRIVING = """
SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.objid
 WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND d.datname = ANY (:names)
   AND l.pid <> pg_backend_pid()
   AND l.pid NOT IN (SELECT pid FROM pg_stat_activity WHERE datid IS NOT NULL)"""
OWN_ROLE = """
SELECT count(*), string_agg(DISTINCT coalesce(nullif(application_name, ''), 'no name'), ', ')
  FROM pg_stat_activity
 WHERE datname = ANY (:names) AND pid <> pg_backend_pid() AND usename = session_user
   AND application_name !~ '^db-migrate'"""
SUPERUSERS = """
SELECT count(*), string_agg(DISTINCT r.rolname, ', ')
  FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
 WHERE a.datname = ANY (:names) AND r.rolsuper AND r.rolname NOT IN ('rdsadmin', session_user)
   AND coalesce(a.backend_type, 'client backend') = 'client backend'"""


def roles_beyond_us(connection: Connection, names: Sequence[str]) -> list[str]:
    """The roles whose sessions we may not end."""
    return list(connection.execute(text(BEYOND_US), {"names": list(names)}).scalars())


def end_clients(connection: Connection, names: Sequence[str], patience: float) -> tuple[int, int]:
    """End the clients' sessions, and look again until none is left that may not come back; how many were
    ended, and how many are left after ``patience`` seconds."""
    limit, seen = time.monotonic() + patience, set[int]()
    while True:
        rows = connection.execute(text(END), {"names": list(names)}).all()
        left = sum(row.barred for row in rows)
        seen.update(row.pid for row in rows)
        arriving = connection.execute(text(ARRIVING), {"names": list(names)}).scalar_one()
        connection.rollback()
        if not (left or arriving) or time.monotonic() > limit:
            return len(seen), left + arriving
        time.sleep(POLL_SECONDS)


def notes(connection: Connection, names: Sequence[str]) -> list[str]:
    """Whose sessions stay, because no right to connect keeps them out."""
    found = []
    count, applications = connection.execute(text(OWN_ROLE), {"names": list(names)}).one()
    if count:
        user = connection.exec_driver_sql("SELECT session_user").scalar_one()
        found.append(
            f"{count} sessions log in as {user}, which the fence must leave in ({applications}): stop them, "
            "and give the application a role of its own."
        )
    count, roles = connection.execute(text(SUPERUSERS), {"names": list(names)}).one()
    if count:
        found.append(f"{count} sessions of superusers ({roles}) stay: no fence holds for them.")
    connection.rollback()
    return found
