"""Writes the rows of a table in batches, each a short transaction that also keeps how far the walk is.

A batch is written in pieces (operations.pieces) until its time is over or its log is long enough
(operations.bounds). Its commit waits for the disk: so little log at a time delays nobody's commit, and while
the disk works we do not.

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

from dbmigrate.adapters.operations.bounds import Bounds
from dbmigrate.adapters.operations.drivers import code_of
from dbmigrate.adapters.operations.keys import Key, key_of
from dbmigrate.adapters.operations.look import value
from dbmigrate.adapters.operations.pieces import Piece, Pieces
from dbmigrate.adapters.operations.throttle import Throttle
from dbmigrate.adapters.operations.work import Work
from dbmigrate.domain.statements import overwrites

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
        self._pieces = Pieces(work, table, key)
        self._asked = self._wrote = 0.0

    def go(self, target: float) -> None:
        """Walk on to the end, ``target`` seconds a batch at most."""
        if self.cursor.end:
            return
        if self.total is None:
            self.total = self._estimate()
        self._bounds, throttle = Bounds(self.work, target), Throttle(self.work)
        began, first, told = time.monotonic(), self.done, time.monotonic()
        while not self.cursor.end:
            if self._batch():
                throttle.committed(time.monotonic() - self._wrote)
            throttle.pause(lambda why: self._tell(began, first, why))
            if time.monotonic() - told > TELL_SECONDS:
                self._tell(began, first)
                told = time.monotonic()

    def _batch(self) -> bool:
        """Write a batch, and whether it was written. One of which a statement took too long is undone, and
        comes back with smaller pieces."""
        tries = 0

        def before_each_try() -> str:
            """The ends of the pieces are looked for while no row is locked, and so without a limit."""
            nonlocal tries
            tries += 1
            if tries > 1:  # its locks are in somebody's way
                self._pieces.halve()
            self._pieces.look(self.cursor.after)
            return self._bounds.setting(self._pieces.smallest)

        try:
            self.cursor, self.done = self.work.in_transaction(
                self.title, self._write, settings=before_each_try
            )
        except Exception as error:  # the driver's own where a question of ours took too long
            too_long = self._bounds.is_ours(time.monotonic() - self._asked, self._pieces.smallest)
            if code_of(error) != CANCELED or not too_long:
                raise
            self._pieces.halve()
            return False
        return True

    def _write(self) -> tuple[Cursor, int]:
        """The pieces of a batch inside of its transaction, and where the walk is then."""
        cursor, done = self.cursor, self.done
        self._bounds.begin()
        for piece in self._pieces:
            written = self._write_piece(cursor.after, piece)
            walked = written if piece.rows is None else piece.rows
            done += walked if self.where else written
            cursor = Cursor(piece.upper or cursor.after, piece.last)
            if self._bounds.is_over(walked):
                break
        journal, entry = self.work.journal, self.work.entry
        self._bounds.ended(journal.advance(entry, cursor.to_text(), done, self.total, self._bounds.log))
        self._wrote = time.monotonic()
        return cursor, done

    def _write_piece(self, after: list[str] | None, piece: Piece) -> int:
        self._asked = time.monotonic()
        written = self.work.run(
            f"UPDATE {self.table} SET {self.assignments} WHERE {self._range(after, piece)}{self._and_where()}"
        )
        self._pieces.wrote(piece.rows or written, time.monotonic() - self._asked)
        return written

    def _range(self, after: list[str] | None, piece: Piece) -> str:
        """Both ends. Where no row is left it is no row, but PostgreSQL reads the expressions even so."""
        if piece.upper is None:
            return f"{self.key.parts[0].name} IS NULL"
        ends = [self.key.compared(">", after)] if after else []
        return " AND ".join([*ends, self.key.compared("<=", piece.upper)])

    def _and_where(self) -> str:
        return f" AND ({self.where})" if self.where else ""

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
