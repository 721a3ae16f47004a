"""Statements under the tracer, on tables that were there before them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy import Connection

from dbmigrate.adapters.connection import Limits, connected, target_from_url
from dbmigrate.adapters.tracer import Tracer
from dbmigrate.domain.effects import Effects


@contextlib.contextmanager
def watched(url: str, *before: str) -> Iterator[tuple[Connection, list[Effects]]]:
    """A connection under the tracer, after these statements, and what it sees."""
    with connected(target_from_url(url), Limits()) as connection:
        for statement in before:
            connection.exec_driver_sql(statement)
        connection.commit()
        connection.begin()
        with Tracer(connection).watching() as seen:
            yield connection, seen


def trace(url: str, before: str, *statements: str) -> list[Effects]:
    """The effects of the statements, in one transaction."""
    with watched(url, before) as (connection, seen):
        for statement in statements:
            connection.exec_driver_sql(statement)
    return seen


def locks(effects: Effects) -> dict[str, str]:
    """Mode by table, without the schema, in short."""
    short = {"ACCESS EXCLUSIVE": "AE", "SHARE ROW EXCLUSIVE": "SRE", "SHARE UPDATE EXCLUSIVE": "SUE"}
    return {lock.relation.removeprefix("public."): short.get(lock.mode, lock.mode) for lock in effects.locks}


def kinds(effects: Effects) -> list[str]:
    return [act.kind for act in effects.acts]
