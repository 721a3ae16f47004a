"""Watches which locks the sessions of a copy hold on its tables, from a session of its own.

A look every 20 ms sees every session of a revision, also those that build indexes by themselves, and leaves
the revision as it is: the tracer, which looks between statements, would put transactions around them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.connection import Limits, Target, connected
from dbmigrate.domain.drill import RESOLUTION, Held, mode_of, strongest_first
from dbmigrate.domain.effects import LOCK_MODES

# Nobody but us knows the copy's address. A table that a revision has just made is not seen by others yet.
HELD = """
    SELECT l.pid, l.virtualtransaction, n.nspname || '.' || c.relname, l.mode, left(a.query, 300)
      FROM pg_locks l
      JOIN pg_stat_activity a ON a.pid = l.pid
      JOIN pg_class c ON c.oid = l.relation
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE l.granted AND l.locktype = 'relation' AND l.pid <> pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND a.backend_type = 'client backend' AND c.relkind IN ('r', 'p', 'm')
       AND n.nspname <> 'dbmigrate' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"""
KEEPS_NOBODY_OUT = ("ACCESS SHARE", "ROW SHARE")
ALEMBICS = "alembic_version"
LONG_ENOUGH = 10.0  # seconds for the watching session to end

Seen = dict[tuple[int, str, str, str], tuple[float, float, str]]


class LockWatch:
    """What was held while it watched. A lock's time counts from the look that first saw it."""

    def __init__(self, target: Target, limits: Limits) -> None:
        self._target = target
        self._limits = replace(limits, application="db-migrate watch", deadline=None, statement=5000)
        self._over = threading.Event()
        self._seen: Seen = {}

    def held(self) -> list[Held]:
        """The locks so far that keep somebody out."""
        found = [
            Held(relation, mode, round(last - first + RESOLUTION, 3), " ".join(query.split()))
            for (_, _, relation, mode), (first, last, query) in self._seen.items()
            if mode in LOCK_MODES and mode not in KEEPS_NOBODY_OUT and not relation.endswith(f".{ALEMBICS}")
        ]
        return strongest_first(found)

    @contextmanager
    def watching(self) -> Iterator[LockWatch]:
        """Look until the block ends. What breaks off the looking costs the figures, not the rehearsal."""
        with connected(self._target, self._limits) as connection:
            looking = threading.Thread(target=self._look_on, args=(connection,), daemon=True)
            looking.start()
            try:
                yield self
            finally:
                self._over.set()
                looking.join(LONG_ENOUGH)

    def _look_on(self, connection: Connection) -> None:
        with suppress(DBAPIError):
            while not self._over.wait(RESOLUTION):
                self._look(connection)

    def _look(self, connection: Connection) -> None:
        rows = connection.exec_driver_sql(HELD).all()
        connection.rollback()
        now = time.monotonic()
        for pid, transaction, relation, mode, query in rows:
            key = (pid, transaction, relation, mode_of(mode))
            first, _, said = self._seen.get(key, (now, now, query))
            self._seen[key] = (first, now, said)
