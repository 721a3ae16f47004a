"""Several sessions that read one instance at once: a server reads faster than one of its processes."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TypeVar

from pg8000.dbapi import Error
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.connection import Limits, Target, connected
from dbmigrate.adapters.said import is_broken, said, sqlstate
from dbmigrate.domain.errors import DatabaseUnreachable
from dbmigrate.domain.examination import Answer, Trouble

SESSIONS = 4
DENIED = "42501"
CANCELED = "57014"
OF_THE_SERVER = ("40", "42", "53", "55", "57")
"""Classes of SQLSTATE: rolled back, refused or unknown, out of resources, not in that state, intervened."""
# What a value looks like as text, and what a row hashes to, must be the same on both instances.
ALIKE = {
    "bytea_output": "hex",
    "DateStyle": "ISO, MDY",
    "extra_float_digits": "1",
    "IntervalStyle": "postgres",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "row_security": "off",
    "search_path": "pg_catalog",
    "TimeZone": "UTC",
    "work_mem": "64MB",
}
Item = TypeVar("Item")
Result = TypeVar("Result")


class Readers:
    """Sessions on one instance. ``seconds`` bounds a single statement, 0 leaves the limits as they are."""

    def __init__(self, target: Target, limits: Limits, seconds: float = 0) -> None:
        self.target = target
        self.limits = replace(
            limits,
            application="db-migrate examine",
            also={**limits.also, **ALIKE},
            statement=int(seconds * 1000) or limits.statement,
        )
        self._idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._stack = ExitStack()

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A session for one piece of work, with nothing open before and after."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._stack.enter_context(connected(self.target, self.limits))
        try:
            yield connection
        finally:
            if not (connection.closed or connection.invalidated):
                connection.rollback()
                self._idle.put(connection)

    def each(
        self, items: Iterable[Item], work: Callable[[Connection, Item], Result], until: float
    ) -> Iterator[Answer[Item, Result]]:
        """Do the work for each item, several at once; what has not begun at ``until`` (time.monotonic) is
        left out, but for the first one: however short a slice is, it goes on. Raises DatabaseUnreachable when
        the connection breaks."""

        def one(place: int, item: Item) -> Answer[Item, Result] | None:
            if place and time.monotonic() >= until:
                return None
            with self.session() as connection:
                return answered(self.target, connection, item, work)

        with ThreadPoolExecutor(SESSIONS) as pool:
            for future in as_completed([pool.submit(one, *each) for each in enumerate(items)]):
                if (answer := future.result()) is not None:
                    yield answer


def answered(
    target: Target, connection: Connection, item: Item, work: Callable[[Connection, Item], Result]
) -> Answer[Item, Result]:
    """The work's result, or what PostgreSQL said instead. Raises DatabaseUnreachable."""
    try:
        return Answer(item, work(connection, item))
    except (DBAPIError, Error) as error:
        if is_broken(error, connection) or not sqlstate(error):
            raise DatabaseUnreachable(
                f"The connection to {target.host}:{target.port} broke: {said(error)}.",
                "look at the instance in RDS; the same step is asked again by itself",
            ) from error
        connection.rollback()
        return Answer(item, None, Trouble(kind_of(sqlstate(error)), said(error)))


def kind_of(code: str) -> str:
    """Why a statement failed, by its SQLSTATE. What the server lacks, forbids or is asked to end says nothing
    of the data; everything else is what reading damaged data can lead to."""
    if code in (DENIED, CANCELED):
        return {DENIED: "denied", CANCELED: "slow"}[code]
    return "failed" if code[:2] in OF_THE_SERVER else "damaged"
