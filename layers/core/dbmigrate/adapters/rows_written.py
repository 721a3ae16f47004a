"""How many rows a revision itself has written, counted by PostgreSQL in the revision's own transaction: exact
while everybody else goes on writing.

The counters of a session may still hold what its earlier transactions did, so they are read at the beginning
and at the end. A revision that commits inside is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

COUNTERS = """(SELECT coalesce(jsonb_object_agg(c.oid, jsonb_build_array(
        pg_stat_get_xact_tuples_inserted(c.oid), pg_stat_get_xact_tuples_deleted(c.oid))), '{}')
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|dbmigrate$|information_schema$)'
    AND pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid) > 0)"""
AT_BEGIN = f"""set_config('dbmigrate.wrote', jsonb_build_object('transaction', pg_current_xact_id()::text,
    'rows', {COUNTERS})::text, false)"""
"""An expression for the query that begins the transaction."""
_KEPT = "nullif(current_setting('dbmigrate.wrote', true), '')::jsonb"
AT_END = f"""CASE WHEN {_KEPT} ->> 'transaction' = pg_current_xact_id()::text
    THEN jsonb_build_object('before', {_KEPT} -> 'rows', 'after', {COUNTERS}) END"""
"""An expression for the ledger's line: NULL where nothing can be said."""
COLUMN = "ALTER TABLE dbmigrate.revision ADD COLUMN IF NOT EXISTS wrote jsonb"
HAS_COLUMN = """SELECT EXISTS (SELECT FROM pg_attribute
    WHERE attrelid = to_regclass('dbmigrate.revision') AND attname = 'wrote')"""
# Of each revision the last way up and the last way down. Rows that an UPDATE moves to another partition stay
# in their table.
LINES = """SELECT DISTINCT ON (revision, direction) revision, wrote FROM dbmigrate.revision
    WHERE revision = ANY (:revisions) ORDER BY revision, direction, id DESC"""
NAMES = """SELECT c.oid::text, n.nspname || '.' || r.relname FROM pg_class c
    JOIN pg_class r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid)
    JOIN pg_namespace n ON n.oid = r.relnamespace WHERE c.oid::text = ANY (:oids)"""
BOTH_WAYS = 2


def remained(connection: Connection, revisions: Sequence[str]) -> dict[str, dict[str, int]]:
    """For each revision that was counted both up and down: what it inserted less what it deleted, by table.
    Tables that are gone, and those where nothing remains, are left out."""
    if not connection.exec_driver_sql(HAS_COLUMN).scalar_one():
        return {}
    ways: dict[str, list[Mapping[str, Any]]] = {}
    for revision, wrote in connection.execute(text(LINES), {"revisions": list(revisions)}):
        ways.setdefault(revision, []).extend([wrote] if wrote else [])
    sums = {revision: _sum(lines) for revision, lines in ways.items() if len(lines) == BOTH_WAYS}
    oids = sorted({oid for rows in sums.values() for oid in rows})
    names = {oid: name for oid, name in connection.execute(text(NAMES), {"oids": oids})}
    return {revision: _by_table(rows, names) for revision, rows in sums.items()}


def _sum(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        for oid, (inserted, deleted) in line["after"].items():
            before = line["before"].get(oid, (0, 0))
            found[oid] = found.get(oid, 0) + inserted - before[0] - deleted + before[1]
    return found


def _by_table(rows: Mapping[str, int], names: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for oid, count in rows.items():
        if oid in names:
            found[names[oid]] = found.get(names[oid], 0) + count
    return {name: count for name, count in found.items() if count}
