"""Writes the rows of a table in batches, each a short transaction that also keeps how far the walk is.

The table is walked in the order of its key. A batch's rows and the cursor behind them are committed together,
so that no row is skipped or written twice, wherever the walk is cut. Its rows are written by several short
statements: between two of them whoever waits for a processor gets it. What other sessions insert behind the
cursor meanwhile is not walked: a default or a trigger has to be there before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.operations.drivers import code_of
from dbmigrate.adapters.operations.keys import Key, key_of, refuse_to_move
from dbmigrate.adapters.operations.look import value
from dbmigrate.adapters.operations.throttle import Throttle
from dbmigrate.adapters.operations.work import Work
from dbmigrate.domain.statements import overwrites

FIRST, LEAST, MOST = 100, 1, 50_000
"""Rows of a batch. The first are few, as nobody knows yet how long the table's triggers take."""
LONGEST = 3
"""How many times as long as it should a batch may take: whoever waits for one of its rows waits so long."""
STATEMENT_SECONDS = 0.0015
"""How long one statement of a batch should take. On a server with few processors it runs on until it waits or
the scheduler's tick comes, 4 ms; so long the application's requests would stand behind it."""
TRIPS = 4
"""A statement takes so many times as long as the trip to the server at the least."""
TELL_SECONDS = 0.2
CANCELED = "57014"
BACKFILL = "write the rows"
NUMBER = '"number of the row"'


@dataclass(frozen=True)
class Cursor:
    """``after`` is the last key that was written."""

    after: list[str] | None = None
    end: bool = False

    def to_text(self) -> str:
        return json.dumps([self.after, self.end], ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str | None) -> Cursor:
        return cls(*json.loads(text)) if text else cls()


def backfill_rows(
    work: Work,
    table: str,
    assignments: str,
    where: str | None = None,
    key: str | Sequence[str] | None = None,
    target_ms: float = 50,
    title: str = BACKFILL,
) -> None:
    """One step of an operation: ``UPDATE table SET assignments WHERE where`` in batches of about
    ``target_ms`` milliseconds; a single UPDATE offline. An operation has one such step at most, as it has
    one cursor.

    ``table`` and the conditions are as SQL writes them, ``key`` plain column names, by default the primary
    key's. Raises RevisionFailed where the table has no such key, or where it is to be changed.
    """
    with work.step(title):
        if work.offline:
            work.run(f"UPDATE {table} SET {assignments}{_where(where)}")
        else:
            found = key_of(work, table, key)
            refuse_to_move(work, found, columns_of(assignments))
            _refuse_to_miss(work, table)
            walk = Walk(work, table, assignments, where, found, title)
            walk.go(target_ms / 1000)


class Walk:
    """The batches of one table, from where the journal's cursor stands."""

    def __init__(
        self, work: Work, table: str, assignments: str, where: str | None, key: Key, title: str
    ) -> None:
        self.work, self.table, self.assignments, self.where = work, table, assignments, where
        self.key, self.title = key, title
        self.cursor = Cursor.from_text(work.entry.cursor)
        self.done = work.entry.rows_done or 0
        self.total = work.entry.rows_total
        self.size = self.part = FIRST
        self._trip = float("inf")
        self._durable, self._on_disk = True, 0.0
        self._longest, self._own_limit, self._given = 0, "0", "0"
        self._enough = 0.0

    def go(self, target: float) -> None:
        """Walk on to the end, ``target`` seconds a batch."""
        if self.cursor.end:
            return
        if self.total is None:
            self.total = self._estimate()
        self._longest, self._own_limit = self._longest_batch(target)
        self._enough = min(target, self._longest / 2000)
        throttle = Throttle(self.work)
        began, first, told = time.monotonic(), self.done, time.monotonic()
        while not self.cursor.end:
            took = self._batch(throttle)
            if took is None:
                self._halve()
                continue
            self.size = _next_size(self.size, took, target)
            throttle.pause(lambda why: self._tell(began, first, why))
            if time.monotonic() - told > TELL_SECONDS:
                self._tell(began, first)
                told = time.monotonic()

    def _batch(self, throttle: Throttle) -> float | None:
        """Seconds that a batch took, None when it took too long and was undone."""
        began, tries = time.monotonic(), 0
        written = began

        def body() -> tuple[Cursor, int]:
            nonlocal began, tries, written
            tries += 1
            if tries > 1:  # its locks are in somebody's way
                self._halve()
            began = time.monotonic()
            found = self._write(began + self._enough)
            written = time.monotonic()
            return found

        try:
            self.cursor, self.done = self.work.in_transaction(self.title, body)
        except DBAPIError as error:
            if code_of(error) != CANCELED or not self._was_too_long(time.monotonic() - began):
                raise
            return None
        ended = time.monotonic()
        if self._durable:
            throttle.committed(ended - written)
            self._on_disk = ended
        return ended - began

    def _write(self, until: float) -> tuple[Cursor, int]:
        """One batch inside of its transaction, which ends early behind ``until``; where the walk is then."""
        bounds, full = self._bounds()
        after, written, walked = self.cursor.after, 0, 0
        quickest, began = float("inf"), time.monotonic()
        for number, upper in enumerate(bounds):
            if number and time.monotonic() > until:
                full = True
                break
            rows = f"UPDATE {self.table} SET {self.assignments} WHERE {self._range(after, upper)}"
            run = self.work.run_on if number else self.work.run
            written += run(rows + self._and_where())
            after, walked = upper or after, walked + self.part
            began, quickest = time.monotonic(), min(quickest, time.monotonic() - began)
        self.size = walked
        done = self.done + (walked if self.where and full else written)
        cursor = Cursor(after, not full)
        self.work.journal.advance(self.work.entry, cursor.to_text(), done, self.total)
        self._trip = min(self._trip, time.monotonic() - began)
        # The quickest, because the others stood behind somebody: fewer rows would not make that shorter.
        self.part = _next_size(self.part, quickest, max(STATEMENT_SECONDS, TRIPS * self._trip))
        return cursor, done

    def _bounds(self) -> tuple[list[list[str] | None], bool]:
        """The last key of each of the next batch's statements, and whether rows may be left behind them."""
        self.part = min(self.part, self.size)
        many = self.size // self.part
        ahead = (
            f"SELECT {self.key.names}, row_number() OVER (ORDER BY {self.key.names}) AS {NUMBER} "
            f"FROM (SELECT {self.key.names} FROM {self.table}{_where(self._after(self.cursor.after))} "
            f"ORDER BY {self.key.names} LIMIT {many * self.part}) rows"
        )
        keys = f"SELECT json_agg({self.key.as_text}::json ORDER BY {NUMBER}) FROM ({ahead}) numbered"
        last = (
            f"SELECT {self.key.as_text} FROM {self.table}{_where(self._after(self.cursor.after))} "
            f"ORDER BY {self.key.backwards} LIMIT 1"
        )
        # OFFSET 0 keeps PostgreSQL from looking for the same keys twice.
        # A commit now and then shows how slow the disk is; the others leave it to the application, as a crash
        # takes back rows and cursor together.
        self._durable = time.monotonic() - self._on_disk > TELL_SECONDS
        at_once = "" if self._durable else ", set_config('synchronous_commit', 'off', true)"
        self._given = self._limit(many)
        row = self.work.ask(
            f"SELECT found.keys::text, CASE WHEN coalesce(json_array_length(found.keys), 0) < {many} "
            f"THEN ({last}) END, set_config('statement_timeout', {value(self._given)}, true){at_once} "
            f"FROM (SELECT ({keys} WHERE {NUMBER} % {self.part} = 0) AS keys OFFSET 0) found"
        )[0]
        bounds: list[list[str] | None] = json.loads(row[0]) if row[0] else []
        if len(bounds) == many:
            return bounds, True
        if not row[1]:
            return [None], False
        return [*bounds, json.loads(row[1])], False

    def _after(self, key: list[str] | None) -> str | None:
        return self.key.compared(">", key) if key else None

    def _range(self, after: list[str] | None, upper: list[str] | None) -> str:
        """Both ends. Where no row is left it is no row, but PostgreSQL reads the expressions even so."""
        if upper is None:
            return f"{self.key.parts[0].name} IS NULL"
        return " AND ".join(filter(None, [self._after(after), self.key.compared("<=", upper)]))

    def _and_where(self) -> str:
        return f" AND ({self.where})" if self.where else ""

    def _longest_batch(self, target: float) -> tuple[int, str]:
        """Milliseconds after which a batch gives up, and the session's own limit.

        Whoever waits for one of our rows looks for a deadlock after deadlock_timeout, and is then its victim;
        by half of that time we are gone.
        """
        own, deadlock = self.work.ask(
            "SELECT (SELECT setting FROM pg_settings WHERE name = 'statement_timeout'), "
            "(SELECT setting FROM pg_settings WHERE name = 'deadlock_timeout')"
        )[0]
        return min(int(deadlock) // 2, int(LONGEST * target * 1000)), str(own)

    def _limit(self, many: int) -> str:
        """statement_timeout in the next batch: what is left of its time when the last of its statements
        begins. The smallest batch has the session's, as it cannot be halved."""
        limit = self._longest - (int(self._enough * 1000) if many > 1 else 0)
        own = self._own_limit
        return own if self.size <= LEAST or 0 < int(own) < limit else str(limit)

    def _was_too_long(self, seconds: float) -> bool:
        """Whether our own limit ended it and not somebody who wants it to stop."""
        return self._given != self._own_limit and seconds * 1000 >= int(self._given)

    def _halve(self) -> None:
        self.size = max(LEAST, self.size // 2)

    def _estimate(self) -> int:
        """How many rows there are, as the planner knows it."""
        plan: Any = self.work.ask(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {self.table}")[0][0]
        plan = json.loads(plan) if isinstance(plan, str) else plan
        return int(plan[0]["Plan"]["Plan Rows"])

    def _tell(self, began: float, first: int, why: str = "") -> None:
        """Ask whether to go on, with how far it is."""
        total = max(self.total or 0, self.done)
        a_second = (self.done - first) / max(time.monotonic() - began, 0.001)
        progress = self.work.progress(self.title, rows_done=self.done, rows_total=total)
        left = (total - self.done) / a_second if a_second else None
        rate = f"{a_second:,.0f} rows/s"
        self.work.conductor.go_on(
            replace(
                progress,
                percent=round(100 * self.done / total, 1) if total else None,
                seconds_left=None if left is None else round(left, 1),
                detail=f"{rate}, {why}" if why else rate,
            )
        )


def _next_size(size: int, took: float, target: float) -> int:
    """More rows for a batch that was quick, fewer for a slow one; at most twice or half as many."""
    factor = min(max(target / max(took, 0.0001), 0.5), 2.0)
    return int(min(max(size * factor, LEAST), MOST))


def columns_of(assignments: str) -> list[str]:
    """The columns that the text behind SET writes."""
    return [name.removeprefix("public.t.") for name in overwrites([f"UPDATE t SET {assignments}"])]


def _refuse_to_miss(work: Work, table: str) -> None:
    """Rows that an UPDATE of ours would leave as they are, without a word."""
    if work.is_true(f"row_security_active({value(table)})"):
        raise work.failed(
            f"row level security of {table} holds for the role that migrates too, so rows would be left out. "
            "Nothing was changed.",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, or migrate as a role with BYPASSRLS",
        )
    rules = f"ev_class = {value(table)}::regclass AND ev_type = '2' AND is_instead"
    if work.is_true(f"EXISTS (SELECT FROM pg_rewrite WHERE {rules})"):
        raise work.failed(
            f"{table} has a rule that does something else INSTEAD of an UPDATE. Nothing was changed.",
            "drop the rule in an earlier revision, or make a trigger of it",
        )


def _where(condition: str | None) -> str:
    return f" WHERE {condition}" if condition else ""
