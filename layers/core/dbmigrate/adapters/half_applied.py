"""What the journal says of a revision that is not recorded yet."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection

from dbmigrate.adapters import catalog
from dbmigrate.adapters.journal import MARK, version_of
from dbmigrate.adapters.login import execute_outside
from dbmigrate.adapters.long_forms import PATTERNS
from dbmigrate.adapters.migrators import long_holder, migrator
from dbmigrate.adapters.statement_progress import look_at
from dbmigrate.domain.progress import Progress
from dbmigrate.domain.unfinished import COMMITS_INSIDE, Unfinished

VERSION_TABLE = "alembic_version"
ROWS = """SELECT revision, operation, "table", name, step, number, of, rows_done, rows_total, cursor,
       began_at, finished FROM dbmigrate.work WHERE at = {at} AND stamp = {stamp} ORDER BY id"""


def unfinished(connection: Connection) -> list[Unfinished]:
    """The lines of the version at which the database stands, oldest first: all that a revision has begun
    since the last one was recorded."""
    raw: Any = connection.connection.driver_connection

    def ask(sql: str) -> list[list[Any]]:
        return execute_outside(raw, MARK + sql)

    if ask("SELECT to_regclass('dbmigrate.work')")[0][0] is None:
        return []
    version = version_of(ask, VERSION_TABLE)
    rows = ask(ROWS.format(at=_text(version.at), stamp=_text(version.stamp)))
    return [_line(*row) for row in rows]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _line(
    revision: str, operation: str, table: str, name: str, step: str, number: int, of: int,
    rows_done: int | None, rows_total: int | None, cursor: str | None, began_at: Any, finished: bool,
) -> Unfinished:  # fmt: skip
    if rows_total is not None and (rows_done or 0) > rows_total:  # the planner's word, and it was wrong
        rows_total = None
    percent = round(100 * rows_done / rows_total, 1) if rows_done is not None and rows_total else None
    progress = Progress(revision, operation, table, step, number, of, rows_done, rows_total, percent)
    lines = json.loads(cursor or "[]") if operation == COMMITS_INSIDE else []
    said = tuple(str(line["said"]) for line in lines)
    return Unfinished(progress, name, began_at.isoformat(timespec="seconds"), bool(finished), None, said)


def unfinished_now(connection: Connection) -> list[Unfinished]:
    """The same for people: a build is told by the operation that began it. With the session that works on
    the last of them and how far PostgreSQL says it is."""
    lines = _without_inner(unfinished(connection))
    if not lines or lines[-1].finished:
        return lines
    if holder := long_holder(connection):
        seen = look_at(connection, holder.pid).upon(lines[-1].progress)
        return [*lines[:-1], lines[-1].seen(seen, holder.pid)]
    if holder := migrator(connection):
        return [*lines[:-1], lines[-1].seen(lines[-1].progress, holder.pid)]
    return lines


def _without_inner(lines: list[Unfinished]) -> list[Unfinished]:
    outer = {(line.revision, line.name) for line in lines if not _is_statement(line)}
    return [line for line in lines if not _is_statement(line) or (line.revision, line.name) not in outer]


def _is_statement(line: Unfinished) -> bool:
    return line.progress.operation in PATTERNS


def remaining(connection: Connection) -> list[Unfinished]:
    """Those lines of which something is in the database: a first step that was rolled back left nothing."""
    lines = unfinished(connection)
    broken = bool(lines) and bool(catalog.invalid_indexes(connection))
    return [line for line in lines if broken or _left_something(line)]


def _left_something(line: Unfinished) -> bool:
    at = line.progress
    own_steps = _is_statement(line) or at.operation == COMMITS_INSIDE
    return line.finished or own_steps or at.number > 1 or bool(at.rows_done)


def forget(connection: Connection) -> None:
    """Nothing remains of what was begun; or the revision is recorded, in this very transaction."""
    raw: Any = connection.connection.driver_connection
    execute_outside(raw, f"{MARK}DELETE FROM dbmigrate.work")
