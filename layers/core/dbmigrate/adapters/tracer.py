"""Watches a revision's statements on the connection that runs them: the locks and the catalogs before and
after each.

SQLAlchemy's events tell the statements of Alembic and of the revision; what a revision does on the driver's
own cursor is caught at the driver. Our questions go there too, marked as ours, and so does the bookkeeping of
a safe operation: of that only where its transactions begin and end is of interest.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, event

from dbmigrate.adapters.journal import MARK
from dbmigrate.adapters.login import execute_outside
from dbmigrate.adapters.operations.under_way import under_way
from dbmigrate.adapters.tracer_measure import Measured, State
from dbmigrate.adapters.tracer_mirror import Mirror, Relation
from dbmigrate.adapters.tracer_outside import fits_transaction
from dbmigrate.adapters.tracer_plans import QUERY, scans_it_must
from dbmigrate.adapters.tracer_split import split
from dbmigrate.domain.effects import Effects

ALEMBICS_OWN = re.compile(r"\balembic_version\b|^SELECT pg_catalog\.", re.IGNORECASE)
WITH = "  -- with "  # parts a statement from the values that went along
SAVEPOINT = re.compile(r"^\s*(?:SAVEPOINT|RELEASE|ROLLBACK\s+TO|ROLLBACK\s+\w+\s+TO)\b", re.IGNORECASE)
GOES_BACK = re.compile(r"^\s*ROLLBACK\s+(?:\w+\s+)??TO\s+(?:SAVEPOINT\s+)?(\S+?)\s*;?\s*$", re.IGNORECASE)
MARKS = re.compile(r"^\s*SAVEPOINT\s+(\S+?)\s*;?\s*$", re.IGNORECASE)
# What drivers, SQLAlchemy and our own connections say on their own account.
BOOKKEEPING = re.compile(
    r"^\s*(?:(?:begin|commit|rollback|start|end|show|set\s+session)\b|SET lock_timeout = \d+$)", re.IGNORECASE
)
FORGETS = re.compile(r"\b(?:DEALLOCATE|DISCARD)\b", re.IGNORECASE)

WRITES = 2  # the rank of ROW EXCLUSIVE


class Tracer:
    """The statements of one connection's revisions; ``mirror`` lasts from one revision to the next."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.raw: Any = connection.connection.driver_connection
        self.mirror = Mirror(self.raw)
        self.seen: list[Effects] = []
        self.start: dict[int, Relation] = {}
        self.first: dict[int, str] = {}
        self.touched: set[int] = set()
        self._before: State | None = None
        self._began = 0  # how many statements there were before an operation's transaction
        self._marks: dict[str, int] = {}  # savepoints, and how many statements there were before them
        self._transaction = -1
        self._running: str | None = None
        self._explain: Callable[[str], Any] | None = None
        self._enclosed = False  # in a transaction of ours, as it has none
        self._stale = False  # something was rolled back, and what, nobody saw
        self._asked = False  # an operation has asked something, which counts as read
        self._ours = False

    @contextlib.contextmanager
    def watching(self) -> Iterator[list[Effects]]:
        """Whatever runs meanwhile, in its order. What fails is there too, with no effect."""
        self.seen, self._before, self._transaction, self._running = [], None, -1, None
        self._enclosed = self._stale = self._asked = False
        self.touched, self._marks = set(), {}
        with self._own():
            self.mirror.read_all()
        self.start = dict(self.mirror.relations)
        self.first = {oid: relation.name for oid, relation in self.mirror.relations.items()}
        with self._listening(), self._at_the_driver():
            yield self.seen
            if self._stale:
                with self._own():
                    self.mirror.read_all()

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        def before(conn: Any, cursor: Any, sql: str, parameters: Any, context: Any, many: bool) -> None:
            self._begin(sql.strip() + (f"{WITH}{parameters!r}" if parameters else ""))

        def after(conn: Any, cursor: Any, sql: str, parameters: Any, context: Any, many: bool) -> None:
            self._end()

        def failed(context: Any) -> None:
            self._fail()

        hooks = {"before_cursor_execute": before, "after_cursor_execute": after}
        for name, hook in hooks.items():
            event.listen(self.connection, name, hook)
        event.listen(self.connection.engine, "handle_error", failed)
        try:
            yield
        finally:
            for name, hook in hooks.items():
                event.remove(self.connection, name, hook)
            event.remove(self.connection.engine, "handle_error", failed)

    @contextlib.contextmanager
    def _at_the_driver(self) -> Iterator[None]:
        simple, unnamed = self.raw.execute_simple, self.raw.execute_unnamed
        self.raw.execute_simple = lambda sql: self._run(sql, simple)
        self.raw.execute_unnamed = lambda sql, *values, **more: self._run(
            sql, lambda text: unnamed(text, *values, **more), whole=True
        )
        try:
            yield
        finally:
            del self.raw.execute_simple, self.raw.execute_unnamed

    def _run(self, sql: str, execute: Callable[[str], Any], whole: bool = False) -> Any:
        if self._ours:
            return execute(sql)
        if self._running is None:
            if MARK in sql:
                return self._let_pass(sql, execute)
            if BOOKKEEPING.match(sql):
                return self._keep_books(sql, execute)
            return self._run_unannounced(sql, execute)
        apart = self.raw._in_transaction and self._before is not None and not whole
        first, *others = split(sql) if apart else [sql]
        if others:
            self._running = first
        found = self._execute(first, execute)
        for piece in others:
            self._note(self._running or first)
            self._open(piece)
            found = self._execute(piece, execute)
        return found

    def _execute(self, sql: str, execute: Callable[[str], Any]) -> Any:
        """Run it, and know how to explain it afterwards, with the values that it had."""
        self._explain = lambda words: self._unwatched(words + sql, execute)
        return execute(sql)

    def _unwatched(self, sql: str, execute: Callable[[str], Any]) -> Any:
        with self._own():
            return execute(sql)

    def _keep_books(self, sql: str, execute: Callable[[str], Any]) -> Any:
        if not sql.lower().startswith(("show", "set")):
            self._before, self._stale = None, True
        return execute(sql)

    def _let_pass(self, sql: str, execute: Callable[[str], Any]) -> Any:
        """An operation's own word. What it rolls back to try again did nothing, and is no work."""
        inside, self._asked = self.raw._in_transaction, True
        found = execute(sql)
        if self.raw._in_transaction and not inside:
            self._began = len(self.seen)
        elif inside and not self.raw._in_transaction:
            self._before, self._stale = None, True
            if sql.startswith("ROLLBACK"):
                del self.seen[self._began :]
        return found

    def _run_unannounced(self, sql: str, execute: Callable[[str], Any]) -> Any:
        self._begin(sql.strip())
        try:
            found = self._run(sql, execute)
        except BaseException:
            self._fail()
            raise
        self._end()
        return found

    def _begin(self, sql: str) -> None:
        self._running, self._explain = sql, None
        if ALEMBICS_OWN.search(sql):
            return
        if self.raw.autocommit and not self.raw._in_transaction and fits_transaction(sql):
            self._ask("BEGIN")
            self._enclosed, self._before = True, None
        self._open(sql)

    def _open(self, sql: str) -> None:
        self._running = sql
        if not self.raw._in_transaction:
            self._before = None
        if self._before is None:
            with self._own():
                if self._transaction >= 0:  # what was rolled back meanwhile, nobody saw
                    self.mirror.read_all()
                look = self.mirror.first_look()
            self._before = State(dict(self.mirror.relations), self.mirror.types, look)
            self._transaction += 1
        elif self._asked:
            with self._own():
                self._before = replace(self._before, look=self.mirror.first_look())
        self._asked = False

    def _end(self) -> None:
        sql, self._running = self._running, None
        if sql is not None and not ALEMBICS_OWN.search(sql):
            self._note(sql)
            if self._enclosed:
                self._enclosed, self._before = False, None
                self._ask("COMMIT")

    def _note(self, sql: str) -> None:
        """Look again, and write down what came of it."""
        before, self._before = self._before, None
        assert before is not None
        if FORGETS.search(sql):
            self.mirror.forget_prepared()
        outside, savepoint = not self.raw._in_transaction, SAVEPOINT.match(sql)
        with self._own():
            # Going back to a savepoint frees the locks that would tell what it undid.
            after = self._state(before, everything=outside or savepoint is not None)
        if savepoint:
            self._mark_or_undo(sql)
        else:
            self._write_down(self._effects(Measured(sql, before, after, self.first), outside))
        self.touched |= {oid for oid, seen in after.look.items() if seen.mode >= WRITES}
        self._before = None if outside else after

    def _write_down(self, effects: Effects) -> None:
        now = under_way.get()
        self.seen.append(replace(effects, operation=now.operation) if now else effects)

    def _mark_or_undo(self, sql: str) -> None:
        if marks := MARKS.match(sql):
            self._marks[marks[1]] = len(self.seen)
        elif back := GOES_BACK.match(sql):
            since = self._marks.get(back[1], len(self.seen))
            self.seen[since:] = [replace(effects, undone=True) for effects in self.seen[since:]]

    def _effects(self, measured: Measured, outside: bool) -> Effects:
        if outside and self.raw.autocommit:
            return measured.effects_by_rule(self._transaction)
        must = None
        if self._explain and not measured.acts and QUERY.match(measured.sql):
            must = scans_it_must(self._ask, self._explain)
        return measured.effects(self._transaction, self._enclosed, must)

    def _ask(self, sql: str) -> Any:
        with self._own():
            return execute_outside(self.raw, sql)

    def _fail(self) -> None:
        """It did nothing that lasts; what it undid is only seen when the database answers again."""
        self._stale = True
        if self._running is not None and not ALEMBICS_OWN.search(self._running):
            self._write_down(Effects(self._running, max(self._transaction, 0)))
        self._running = None
        if self._enclosed:
            self._enclosed, self._before = False, None
            if self.raw._in_transaction:
                self._ask("ROLLBACK")

    def _state(self, before: State, everything: bool) -> State:
        unlocked = {oid: seen for oid, seen in before.look.items() if seen.mode < 0}
        look = {**unlocked, **self.mirror.look()}
        if everything:
            self.mirror.read_all()
        else:
            self.mirror.read_touched(look)
        return State(dict(self.mirror.relations), self.mirror.types, look)

    @contextlib.contextmanager
    def _own(self) -> Iterator[None]:
        was, self._ours = self._ours, True
        try:
            yield
        finally:
            self._ours = was
