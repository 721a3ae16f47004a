"""The ledger: the tables in the migrated database that record what ran. Its schema is "dbmigrate"."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pg8000.native import literal
from sqlalchemy import Connection, text

from dbmigrate.adapters import journal, marks, rows_written
from dbmigrate.adapters.ledger_tables import HAS_LATER, LATER, OTHERS, TABLES
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.errors import RunInProgress, WrongEnvironment
from dbmigrate.domain.standing import DIRECT


@dataclass(frozen=True)
class Applied:
    """One line of the ledger about one revision. ``seconds`` counts the revision's own transaction."""

    revision: str
    direction: str
    run: str
    bundle: str
    source_digest: str
    seconds: float
    lock_waits: int


def exists(connection: Connection) -> bool:
    return (
        connection.exec_driver_sql("SELECT to_regclass('dbmigrate.catalog') IS NOT NULL").scalar_one() is True
    )


def create(connection: Connection, environment: str) -> None:
    """Make the tables where they are missing and stamp the database with its environment.

    Raises WrongEnvironment when it bears another's stamp.
    """
    if not exists(connection):
        for statement in TABLES.strip().split(";\n"):
            connection.exec_driver_sql(statement.rstrip(";"))
    _add_later(connection)
    if not connection.exec_driver_sql(rows_written.HAS_COLUMN).scalar_one():
        connection.exec_driver_sql(rows_written.COLUMN)
    there = connection.exec_driver_sql(OTHERS).one()
    for name, table in (("work", journal.TABLE), ("piece", journal.PIECES), ("mark", marks.TABLE)):
        if getattr(there, name) is None:
            connection.exec_driver_sql(table)
    connection.execute(
        text(
            """INSERT INTO dbmigrate.environment (name, extensions) VALUES (:name, :extensions)
               ON CONFLICT DO NOTHING"""
        ),
        {"name": environment, "extensions": _extensions(connection)},
    )
    check_environment(connection, environment)


def _add_later(connection: Connection) -> None:
    """Asked first, as even an ALTER that changes nothing waits for everybody who reads the table."""
    if not connection.exec_driver_sql(HAS_LATER).scalar_one():
        connection.exec_driver_sql(LATER)


def check_environment(connection: Connection, environment: str) -> None:
    """Raise WrongEnvironment when the database bears the stamp of another environment."""
    if not exists(connection):
        return
    stamp = connection.exec_driver_sql("SELECT name FROM dbmigrate.environment").scalar()
    if stamp not in (None, environment):
        raise WrongEnvironment(
            f"This database belongs to {stamp}, but the run is for {environment}.",
            f"name the right database, or: db-migrate --environment {stamp} status",
        )


def first_extensions(connection: Connection) -> list[str]:
    """The extensions in public that no revision made: those that were there when the ledger was."""
    if not exists(connection):
        return _extensions(connection)
    found = connection.exec_driver_sql("SELECT extensions FROM dbmigrate.environment").scalar()
    return list(found or [])


def _extensions(connection: Connection) -> list[str]:
    rows = connection.exec_driver_sql(
        """SELECT e.extname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
            WHERE n.nspname = 'public' ORDER BY e.oid"""
    )
    return [str(name) for (name,) in rows]


def open_run(connection: Connection, name: str, facts: Mapping[str, str | None]) -> None:
    """Take the lease: the run's line without an end. Going on with one's own lease is fine.

    The caller holds the migrators' lock. A direct run holds that lock as long as it lives, so one that is
    still open has died, and its lease passes on. Raises RunInProgress when another run has the lease.
    """
    connection.execute(
        text(
            """UPDATE dbmigrate.run SET ended_at = clock_timestamp(), outcome = 'Abandoned'
                WHERE ended_at IS NULL AND bundle = :direct AND name <> :name"""
        ),
        {"direct": DIRECT, "name": name},
    )
    connection.execute(
        text(
            """INSERT INTO dbmigrate.run (name, bundle, plan, direction, requested_by, approved_by, reason)
               VALUES (:name, :bundle, :plan, :direction, :requested_by, :approved_by, :reason)
               ON CONFLICT DO NOTHING"""
        ),
        {"name": name, "approved_by": None, "reason": None, **facts},
    )
    holder = connection.execute(
        text("SELECT name, started_at, direction FROM dbmigrate.run WHERE ended_at IS NULL")
    ).one_or_none()
    if holder is None or holder.name != name:
        raise _held(name, holder)


def _held(name: str, holder: Any) -> RunInProgress:
    if holder is None:
        message = f"Run {name} has ended, so it moves nothing any more."
        return RunInProgress(message, "start a new run: db-migrate deploy")
    if holder.direction not in ("upgrade", "downgrade"):
        return RunInProgress(
            f"Recovery {holder.name} has had this database since {holder.started_at:%Y-%m-%d %H:%M:%S %Z}.",
            f"wait for its end (db-migrate status); if it died: db-migrate recover --resume {holder.name}, "
            f"or --abandon {holder.name}",
        )
    return RunInProgress(
        f"Run {holder.name} has held this database since {holder.started_at:%Y-%m-%d %H:%M:%S %Z}.",
        "wait for its end (db-migrate status); if it died without giving the lease back: "
        f"db-migrate runs --close {holder.name}",
    )


def is_open(connection: Connection, name: str) -> bool:
    """Whether the run holds the lease."""
    line = text("SELECT true FROM dbmigrate.run WHERE name = :name AND ended_at IS NULL")
    return connection.execute(line, {"name": name}).scalar() is True


def close_run(connection: Connection, name: str, outcome: str, detail: str) -> bool:
    """Write the run's end and give the lease back. Returns whether the run had an open line."""
    done = connection.execute(
        text(
            """UPDATE dbmigrate.run SET ended_at = clock_timestamp(), outcome = :outcome,
                      detail = concat_ws(chr(10), nullif(detail, ''), CAST(:detail AS text))
                WHERE name = :name AND ended_at IS NULL"""
        ),
        {"name": name, "outcome": outcome, "detail": detail[:10_000]},
    )
    return done.rowcount == 1


def note(connection: Connection, name: str, words: str) -> None:
    """Add a line to the run's detail: what it did to others is told before it ends, and kept after it."""
    noted = text(
        """UPDATE dbmigrate.run SET detail = concat_ws(chr(10), detail, CAST(:words AS text))
            WHERE name = :name"""
    )
    connection.execute(noted, {"name": name, "words": words[:1000]})


def set_wish(connection: Connection, name: str, wish: str | None, by: str) -> bool:
    """Keep what somebody wishes of a run: "pause", "stop", or None to go on. Returns whether the run is open
    and heard it; a stop is not taken back."""
    _add_later(connection)
    done = connection.execute(
        text(
            """UPDATE dbmigrate.run SET wish = :wish, wished_by = :by, wished_at = clock_timestamp()
                WHERE name = :name AND ended_at IS NULL
                  AND (wish IS DISTINCT FROM 'stop' OR :wish = 'stop')"""
        ),
        {"name": name, "wish": wish, "by": by},
    )
    return done.rowcount == 1


def wish_of(connection: Connection, name: str) -> str:
    """What is wished of the run: "pause", "stop" or ""."""
    found = text("SELECT to_jsonb(r) ->> 'wish' FROM dbmigrate.run r WHERE name = :name")
    return str(connection.execute(found, {"name": name}).scalar() or "")


def seconds_of(connection: Connection, run: str) -> float:
    """How long the run's revisions took, both ways."""
    total = text("SELECT coalesce(sum(seconds), 0) FROM dbmigrate.revision WHERE run = :run")
    return float(connection.execute(total, {"run": run}).scalar_one())


def line_of(line: Applied, wrote: str = "") -> str:
    """SQL that writes one revision's line, for the transaction of the revision itself. ``wrote`` is the SQL
    expression that counts its rows.

    As literals: parameters cost pg8000 a second trip to the server, and a long history has many lines.
    """
    columns, values = ", ".join(vars(line)), ", ".join(literal(value) for value in vars(line).values())
    return f"INSERT INTO dbmigrate.revision ({columns}, wrote) VALUES ({values}, {wrote or 'NULL'}); "


def standing(connection: Connection) -> dict[str, tuple[str, str]]:
    """What the ledger says is applied now: revision -> (source digest, run), oldest first."""
    rows = connection.exec_driver_sql(
        "SELECT revision, direction, source_digest, run FROM dbmigrate.revision ORDER BY id"
    )
    found: dict[str, tuple[str, str]] = {}
    for revision, direction, source_digest, run in rows:
        found.pop(revision, None)
        if direction == "upgrade":
            found[revision] = (source_digest, run)
    return found


def moved_by(connection: Connection, run: str) -> dict[str, str]:
    """What the run moved, oldest first, and in which direction last."""
    rows = text("SELECT revision, direction FROM dbmigrate.revision WHERE run = :run ORDER BY id")
    return {revision: direction for revision, direction in connection.execute(rows, {"run": run})}


def runs(connection: Connection, most: int = 50) -> list[dict[str, Any]]:
    """The latest runs, newest first, each with the revisions that it moved."""
    rows = connection.execute(
        text(
            """SELECT r.name AS run, r.bundle, r.plan, r.direction, r.requested_by, r.approved_by, r.reason,
                      r.started_at, r.ended_at, r.outcome, r.detail,
                      to_jsonb(r) ->> 'wish' AS wish, to_jsonb(r) ->> 'wished_by' AS wished_by,
                      (to_jsonb(r) ->> 'wished_at')::timestamptz AS wished_at,
                      (to_jsonb(r) ->> 'marked_at')::timestamptz AS restore_point,
                      to_jsonb(r) ->> 'wal' AS wal,
                      coalesce(array_agg(v.revision ORDER BY v.id) FILTER (WHERE v.id IS NOT NULL),
                               '{}') AS revisions,
                      coalesce(sum(v.seconds), 0) AS seconds, coalesce(sum(v.lock_waits), 0) AS lock_waits
                 FROM dbmigrate.run r LEFT JOIN dbmigrate.revision v ON v.run = r.name
                GROUP BY r.name ORDER BY r.started_at DESC LIMIT :most"""
        ),
        {"most": most},
    )
    return [_plain_run(dict(row._mapping)) for row in rows]


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else value


def _plain_run(row: Mapping[str, Any]) -> dict[str, Any]:
    """A point in time to which one goes back must not lose its fractions: rows were committed in them."""
    plain = {key: _plain(value) for key, value in row.items()}
    return plain | {"restore_point": row["restore_point"] and row["restore_point"].isoformat()}


def keep_catalog(connection: Connection, revision: str, fingerprint: str, catalog: Catalog) -> None:
    """Remember what the database was when we last left it, so that a later drift can be named."""
    connection.execute(
        text(
            """INSERT INTO dbmigrate.catalog (revision, fingerprint, content)
               VALUES (:revision, :fingerprint, :content)
               ON CONFLICT (one) DO UPDATE
                  SET revision = excluded.revision, fingerprint = excluded.fingerprint,
                      content = excluded.content, seen_at = clock_timestamp()"""
        ),
        {
            "revision": revision,
            "fingerprint": fingerprint,
            "content": gzip.compress(json.dumps(catalog).encode()),
        },
    )


def kept_catalog(connection: Connection) -> tuple[str, Catalog] | None:
    """The revision and the catalog of the last keep_catalog."""
    row = connection.exec_driver_sql("SELECT revision, content FROM dbmigrate.catalog").one_or_none()
    return None if row is None else (row[0], json.loads(gzip.decompress(bytes(row[1]))))
