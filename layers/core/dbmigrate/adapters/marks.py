"""The mark of a run: the moment just before its upgrade, its place in the WAL, and what its tables had seen.

A restored copy is measured by the newest mark that it holds: a table that nobody wrote since then must be the
same on both instances. Nothing is read but counters that the server keeps anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pg8000.dbapi import Error
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.catalog.parts import OF_CLASS
from dbmigrate.domain.mark import Counters, Mark

# As domain.mark.Counters has them.
TABLE = """CREATE TABLE IF NOT EXISTS dbmigrate.mark (
    run text PRIMARY KEY REFERENCES dbmigrate.run (name),
    counting text NOT NULL,
    tables jsonb NOT NULL)"""
COUNTING = """(SELECT concat_ws(' ', current_setting('track_counts'),
    (SELECT stats_reset FROM pg_stat_bgwriter),
    (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database())))"""
COUNTERS = f"""(SELECT coalesce(jsonb_object_agg(n.nspname || '.' || c.relname, jsonb_build_array(
        pg_relation_filenode(c.oid), pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid),
        pg_stat_get_tuples_deleted(c.oid), pg_stat_get_live_tuples(c.oid))), '{{}}')
    FROM pg_class c {OF_CLASS} AND c.relkind = 'r')"""
LEAVE = f"""
WITH moved AS (UPDATE dbmigrate.run SET marked_at = clock_timestamp(), wal = pg_current_wal_lsn()::text
                WHERE name = :run AND marked_at IS NULL RETURNING name)
INSERT INTO dbmigrate.mark (run, counting, tables) SELECT name, {COUNTING}, {COUNTERS} FROM moved
ON CONFLICT DO NOTHING"""
# Aurora has no such function to offer; its time suffices there.
WAYS = (LEAVE, LEAVE.replace("pg_current_wal_lsn()::text", "NULL"))
NEWEST = """
SELECT r.name, r.marked_at, m.counting, m.tables FROM dbmigrate.mark m JOIN dbmigrate.run r ON r.name = m.run
 WHERE r.marked_at IS NOT NULL ORDER BY r.marked_at DESC LIMIT 1"""
BEGAN = """
SELECT (to_jsonb(r) ->> 'marked_at')::timestamptz, to_jsonb(r) ->> 'wal'
  FROM dbmigrate.run r WHERE name = :run"""
EXISTS = "SELECT to_regclass('dbmigrate.mark') IS NOT NULL"


def leave(connection: Connection, run: str) -> None:
    """Leave the mark of a run that has none yet, in a transaction of its own.

    What cannot be marked is upgraded all the same: a recovery then knows less, and says so.
    """
    for way in WAYS:
        try:
            connection.execute(text(way), {"run": run})
            connection.commit()
            return
        except (DBAPIError, Error):
            connection.rollback()


def began(connection: Connection, run: str) -> str:
    """The moment just before the run's upgrade, in ISO 8601, with its place in the WAL where the server tells
    it; "" for a run without a mark."""
    at, wal = connection.execute(text(BEGAN), {"run": run}).one_or_none() or (None, None)
    return (at.isoformat() + (f" (WAL {wal})" if wal else "")) if at else ""


def newest(connection: Connection) -> Mark | None:
    """The newest mark that the ledger holds."""
    if not connection.exec_driver_sql(EXISTS).scalar_one():
        return None
    row = connection.exec_driver_sql(NEWEST).one_or_none()
    if row is None:
        return None
    return Mark(row.name, row.marked_at.isoformat(), Counters(row.counting, _tables(row.tables)))


def counters(connection: Connection) -> Counters:
    """What the server has counted by now."""
    counting, tables = connection.exec_driver_sql(f"SELECT {COUNTING}, {COUNTERS}").one()
    return Counters(counting, _tables(tables))


def _tables(found: Mapping[str, Any]) -> dict[str, list[int]]:
    return {name: list(values) for name, values in found.items()}
