"""Revisions that commit before their end without safe operations: the journal learns what they committed, in
the same transaction where there is one, and a rerun leaves that out."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from pg8000.core import Context
from pg8000.dbapi import DatabaseError
from pg8000.native import literal
from sqlalchemy import Connection, event

from dbmigrate.adapters.journal import MARK, Journal, version_of
from dbmigrate.adapters.login import execute_outside
from dbmigrate.adapters.long_forms import BEFORE, long_statement
from dbmigrate.adapters.operations.budget import Budget
from dbmigrate.adapters.operations.under_way import under_way
from dbmigrate.adapters.run_conductor import RunConductor
from dbmigrate.domain.errors import RevisionHalfApplied
from dbmigrate.domain.unfinished import COMMITS_INSIDE

CHANGES_NOTHING = re.compile(
    r"(?:SELECT|SHOW|SET|RESET|EXPLAIN|VALUES|TABLE|ANALYZE|VACUUM|LOCK|DISCARD|DEALLOCATE|BEGIN|START|COMMIT|"
    r"END|ROLLBACK|SAVEPOINT|RELEASE)\b",
    re.IGNORECASE,
)
COMMITS = re.compile(r"(?:COMMIT|END)\b", re.IGNORECASE)
# Outside of transactions for no need of theirs: in one with the journal's word, a kill leaves both or none.
BELONGS_INSIDE = re.compile(r"(?:INSERT|UPDATE|DELETE|MERGE|WITH)\b|ALTER\s+TYPE\b", re.IGNORECASE)
# Nobody stands behind these in a lock's queue, and an autovacuum may be before them for long.
PATIENT = re.compile(r"(?:VACUUM|ANALY[ZS]E)\b(?!\s*(?:\([^)]*)?\bFULL\b)", re.IGNORECASE)
OWN_LIMIT = re.compile(
    r"\bSET\s+(?:SESSION\s+)?lock_timeout\b|\bset_config\(\s*'lock_timeout'", re.IGNORECASE
)
OWN_LIMIT_HERE = re.compile(r"\bSET\s+LOCAL\s+lock_timeout\b", re.IGNORECASE)
MOST = 200
"""A revision that commits more statements than these is begun anew by a rerun."""
SHOWN = 160


class CommitsInside:
    """Of one revision after another, on the run's connection."""

    def __init__(self, connection: Connection, conductor: RunConductor) -> None:
        self.connection, self.conductor = connection, conductor
        self._working = self._handled = self._own_limit = False
        self._budget: Budget | None = None
        self._open: list[tuple[str, int | None]] = []
        self._kept: list[dict[str, Any]] = []
        self._replayed: list[dict[str, Any]] = []

    def listen(self) -> None:
        """To the connection's engine, which ends with the run."""
        engine = self.connection.engine
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)
        event.listen(engine, "do_execute", self._execute)
        event.listen(engine, "do_executemany", self._execute)
        event.listen(
            engine, "do_execute_no_params", lambda cursor, sql, at: self._execute(cursor, sql, (), at)
        )
        event.listen(engine, "commit", lambda connection: self._committed())
        event.listen(engine, "rollback", lambda connection: self._rolled_back())

    @contextlib.contextmanager
    def revision(self, look_back: bool) -> Iterator[None]:
        """While a revision's own code runs; with ``look_back`` an earlier try may have committed a part."""
        self._open, self._kept, self._replayed = [], [], self._before_now() if look_back else []
        self._working, self._own_limit = True, False
        self._budget = Budget(self.conductor.limits.lock)
        try:
            yield
        finally:
            self._working = False

    def _ask(self, sql: str) -> list[list[Any]]:
        return execute_outside(self.connection.connection.driver_connection, MARK + sql)

    def _before_now(self) -> list[dict[str, Any]]:
        version = version_of(self._ask, "alembic_version")
        rows = self._ask(
            f"SELECT cursor FROM dbmigrate.work WHERE operation = {literal(COMMITS_INSIDE)} "
            f"AND revision = {literal(self.conductor.revision)} AND at = {literal(version.at)} "
            f"AND stamp = {literal(version.stamp)}"
        )
        return json.loads(rows[0][0] or "[]") if rows else []

    @property
    def _outside(self) -> bool:
        raw: Any = self.connection.connection.driver_connection
        return bool(raw.autocommit and not raw._in_transaction)

    def _counts(self, statement: str) -> bool:
        return self._working and under_way.get() is None and not CHANGES_NOTHING.match(statement)

    def _before(
        self, connection: Any, cursor: Any, sql: str, parameters: Any, context: Any, many: Any
    ) -> None:
        self.conductor.bound_statements()
        if self._working and under_way.get() is None:
            self.conductor.refuse_when_over()
            self._keep_the_budget(BEFORE.sub("", sql))
        if self._working and COMMITS.match(BEFORE.sub("", sql)):
            self._committed()

    def _keep_the_budget(self, sql: str) -> None:
        """In autocommit a session waits long, as CONCURRENTLY has to; an ALTER TABLE would hold up everyone.
        A limit that the revision sets for itself stays."""
        self._own_limit = self._own_limit or bool(OWN_LIMIT.search(sql))
        if self._own_limit:
            return
        limits = self.conductor.limits
        if self._outside:
            lock = limits.concurrent_lock if PATIENT.match(sql) else limits.lock
            self._ask(f"SET lock_timeout = {lock}")
        elif OWN_LIMIT_HERE.search(sql):
            self._budget = None
        elif self._budget and (limit := self._budget.limit_for(sql)):
            with contextlib.suppress(DatabaseError):  # in a transaction that failed nothing waits
                self._ask(f"SET LOCAL lock_timeout = {limit}")

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        """Leave out what is committed already; commit with the journal's word what can be."""
        if not (self._replayed or self._outside):
            return None
        sql = BEFORE.sub("", statement)
        if not self._counts(sql) or long_statement(statement, parameters):
            return None
        if self._leaves_out(cursor, sql):
            return True
        if not (self._outside and BELONGS_INSIDE.match(sql) and ";" not in sql):
            return None
        raw: Any = self.connection.connection.driver_connection
        raw.execute_simple("BEGIN")
        try:
            many = parameters and isinstance(parameters, list)
            (cursor.executemany if many else cursor.execute)(statement, parameters)
            self._open = [(sql, None if cursor.description else cursor.rowcount)]
            self._commits()
            raw.execute_simple("COMMIT")
            self._handled = True
        except BaseException:
            with contextlib.suppress(Exception):
                raw.execute_simple("ROLLBACK")
            self._open = []
            raise
        return True

    def _leaves_out(self, cursor: Any, sql: str) -> bool:
        """Whether an earlier try has committed it. Other statements than then are no repetition."""
        if not self._replayed:
            return False
        line = self._replayed[0]
        if line["digest"] != _digest(sql):
            self._replayed = []
            return False
        if line["rows"] is None:
            raise RevisionHalfApplied(
                f"Revision {self.conductor.revision} was cut after its commit of: {line['said']}. What that "
                "returned is not known any more, so the revision cannot go on by itself.",
                "do the rest of it by hand, then write its number into alembic_version; or undo what it did, "
                "DELETE FROM dbmigrate.work, and: db-migrate deploy",
            )
        self._kept.append(self._replayed.pop(0))
        self._handled = True
        cursor._context = Context(sql)
        cursor._context.row_count = line["rows"]
        return True

    def _after(
        self, connection: Any, cursor: Any, sql: str, parameters: Any, context: Any, many: Any
    ) -> None:
        sql = BEFORE.sub("", sql)
        if not self._counts(sql) or long_statement(sql, parameters):
            return
        if self._handled:
            self._handled = False
            return
        self._open.append((sql, None if cursor.description else cursor.rowcount))
        if self._outside:
            self._commits()

    def _committed(self) -> None:
        self._commits()
        self._budget = Budget(self.conductor.limits.lock)

    def _rolled_back(self) -> None:
        self._open.clear()
        self._budget = Budget(self.conductor.limits.lock)

    def _commits(self) -> None:
        """Enter what is open; in the transaction that commits it, where there is one."""
        if not (self._working and self._open):
            return
        self._kept, self._open = [*self._kept, *(_line(*each) for each in self._open)], []
        journal = Journal(self._ask, self.conductor.revision, version_of(self._ask, "alembic_version"))
        entry = journal.begin(COMMITS_INSIDE, "", self.conductor.revision, {}, 1)
        journal.step(entry, 1, self._kept[-1]["said"])
        journal.note(entry, json.dumps(self._kept if len(self._kept) <= MOST else []))


def _digest(sql: str) -> str:
    return hashlib.sha256(" ".join(sql.split()).encode()).hexdigest()[:16]


def _line(sql: str, rows: int | None) -> dict[str, Any]:
    return {"digest": _digest(sql), "rows": rows, "said": " ".join(sql.split())[:SHOWN]}
