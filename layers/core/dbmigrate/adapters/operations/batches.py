"""Writes the rows of a table in batches, each a short transaction that also keeps how far the walk is.

The table is walked in the order of its key. A batch's rows and the cursor behind them are committed together,
so that no row is skipped or written twice, wherever the walk is cut. What other sessions insert behind the
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
from dbmigrate.adapters.operations.keys import Key, key_of
from dbmigrate.adapters.operations.look import value
from dbmigrate.adapters.operations.throttle import Throttle
from dbmigrate.adapters.operations.work import Work
from dbmigrate.domain.statements import overwrites

FIRST, LEAST, MOST = 100, 1, 50_000
"""Rows of a batch. The first are few, as nobody knows yet how long the table's triggers take."""
LONGEST = 3
"""How many times as long as it should a batch may take: whoever waits for one of its rows waits so long."""
TELL_SECONDS = 0.2
CANCELED = "57014"
BACKFILL = "write the rows"


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
            _refuse_to_move(work, found, columns_of(assignments))
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
        self.size = FIRST
        self._durable, self._on_disk = True, 0.0
        self._longest = (0, "0")

    def go(self, target: float) -> None:
        """Walk on to the end, ``target`` seconds a batch."""
        if self.cursor.end:
            return
        if self.total is None:
            self.total = self._estimate()
        self._longest = self._longest_batch(target)
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
            found = self._write()
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

    def _write(self) -> tuple[Cursor, int]:
        """One batch inside of its transaction, and where the walk is then."""
        upper, full = self._upper()
        written = self.work.run(
            f"UPDATE {self.table} SET {self.assignments} WHERE {self._range(upper)}{self._and_where()}"
        )
        cursor = Cursor(upper or self.cursor.after, not full)
        done = self.done + (self.size if self.where and full else written)
        self.work.journal.advance(self.work.entry, cursor.to_text(), done, self.total)
        return cursor, done

    def _upper(self) -> tuple[list[str] | None, bool]:
        """The last key of the next batch, and whether rows may be left behind it."""
        source = f"SELECT {self.key.as_text} FROM {self.table}{_where(self._after())}"
        far = f"{source} ORDER BY {self.key.names} OFFSET {self.size - 1} LIMIT 1"
        last = f"{source} ORDER BY {self.key.backwards} LIMIT 1"
        # OFFSET 0 keeps PostgreSQL from looking for the same key twice.
        # A commit now and then shows how slow the disk is; the others leave it to the application, as a crash
        # takes back rows and cursor together.
        self._durable = time.monotonic() - self._on_disk > TELL_SECONDS
        at_once = "" if self._durable else ", set_config('synchronous_commit', 'off', true)"
        row = self.work.ask(
            f"SELECT far.key, CASE WHEN far.key IS NULL THEN ({last}) END, "
            f"set_config('statement_timeout', {value(self._limit())}, true){at_once} "
            f"FROM (SELECT ({far}) AS key OFFSET 0) far"
        )[0]
        found = row[0] or row[1]
        return (json.loads(found) if found else None), row[0] is not None

    def _after(self) -> str | None:
        return self.key.compared(">", self.cursor.after) if self.cursor.after else None

    def _range(self, upper: list[str] | None) -> str:
        """Both ends. Where no row is left it is no row, but PostgreSQL reads the expressions even so."""
        if upper is None:
            return f"{self.key.parts[0].name} IS NULL"
        return " AND ".join(filter(None, [self._after(), self.key.compared("<=", upper)]))

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

    def _limit(self) -> str:
        """statement_timeout of the next batch; the smallest has the session's, as it cannot be halved."""
        limit, own = self._longest
        return own if self.size <= LEAST or 0 < int(own) < limit else str(limit)

    def _was_too_long(self, seconds: float) -> bool:
        """Whether our own limit ended it and not somebody who wants it to stop."""
        return self._limit() != self._longest[1] and seconds * 1000 >= self._longest[0]

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


def _refuse_to_move(work: Work, key: Key, columns: Sequence[str]) -> None:
    """A row whose key changes may be met again, or never."""
    moved = [part.plain for part in key.parts if part.plain in columns]
    if moved:
        raise work.failed(
            f"the table is walked by {', '.join(moved)}, and SET changes it. Nothing was changed.",
            "name a unique key that stays as it is: key=[…]",
        )


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
