"""Writes the rows of a table in pieces, each a short transaction that also keeps how far the walk is.

The table is walked in the order of its key. A piece's rows and the cursor behind them are committed together,
so that no row is skipped or written twice, wherever the walk is cut. What other sessions insert behind the
cursor meanwhile is not walked: a default or a trigger has to be there before.

A batch is as many pieces as fit its time, sent together: nothing has to travel between two of them, and each
frees its rows at once. The first piece of a walk goes alone, as nobody knows yet how long a row takes, and so
does every piece after one that failed, and the last one.
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
from dbmigrate.adapters.operations.work import BEGIN, LOCK_CODES, Work
from dbmigrate.domain.statements import overwrites

TELL_SECONDS = 0.2
CANCELED = "57014"
BACKFILL = "write the rows"
to_json = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make one for every cursor


@dataclass(frozen=True)
class Cursor:
    """``after`` is the last key that was written."""

    after: list[str] | None = None
    end: bool = False

    def to_text(self) -> str:
        return to_json([self.after, self.end])

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
    ``target_ms`` milliseconds, each of many short transactions; a single UPDATE offline. An operation has one
    such step at most, as it has one cursor.

    ``table`` and the conditions are as SQL writes them, ``key`` plain column names, by default the primary
    key's. Raises RevisionFailed where the table has no such key, or where it is to be changed.
    """
    with work.step(title):
        if work.offline:
            work.run(f"UPDATE {table} SET {ended(assignments)}{_where(where)}")
        else:
            found = key_of(work, table, key)
            _refuse_to_move(work, found, columns_of(assignments))
            _refuse_to_miss(work, table)
            walk = Walk(work, table, assignments, where, found, title)
            walk.go(target_ms / 1000)


class Walk:
    """The pieces of one table, from where the journal's cursor stands."""

    def __init__(
        self, work: Work, table: str, assignments: str, where: str | None, key: Key, title: str
    ) -> None:
        self.work, self.table, self.assignments, self.where = work, table, assignments, where
        self.key, self.title = key, title
        self.cursor = Cursor.from_text(work.entry.cursor)
        self.done = work.entry.rows_done or 0
        self.total = work.entry.rows_total
        self._ended = 0  # rows_done at the end of an earlier batch
        self._asked = 0.0
        self._limit: int | None = None

    def go(self, target: float) -> None:
        """Walk on to the end, ``target`` seconds a batch."""
        if self.cursor.end:
            return
        if self.total is None:
            self.total = self._estimate()
        self._bounds, throttle = Bounds(self.work, target), Throttle(self.work)
        self._pieces = Pieces(self.work, self.table, self.key, self._bounds)
        began, first, told = time.monotonic(), self.done, time.monotonic()
        while not self.cursor.end:
            if commit := self._batch():
                throttle.committed(commit)
            throttle.pause(lambda why: self._tell(began, first, why))
            if time.monotonic() - told > TELL_SECONDS:
                self._tell(began, first)
                told = time.monotonic()

    def _batch(self) -> float | None:
        """Write a batch; the seconds of its last commit, None where it failed and smaller pieces follow."""
        self._pieces.look(self.cursor.after)
        together = self._pieces.take_a_batch()
        try:
            commit = self._write_together(together) if together else self._write_alone()
        except Exception as error:  # the driver's own where it was no statement of the revision
            if not self._goes_on_after(error, bool(together)):
                raise
            self._pieces.halve()
            return None
        self._pieces.committed(commit)
        return commit

    def _goes_on_after(self, error: Exception, together: bool) -> bool:
        """Whether our own limit ended it, and not somebody who wants it to stop, or a lock in the middle of a
        batch. Goes to where the journal is: some pieces may be committed."""
        code = code_of(error)
        if code != CANCELED and not (together and code in LOCK_CODES):
            return False
        elapsed = time.monotonic() - self._asked
        found, seconds = self.work.journal.again(self.work.entry)
        self.cursor, self.done = Cursor.from_text(found.cursor), found.rows_done or 0
        took_too_long = self._limit is not None and min(elapsed, seconds) * 1000 >= self._limit
        return code != CANCELED or took_too_long

    def _setting(self, alone: bool) -> str:
        self._limit = self._bounds.limit(alone, self._pieces.smallest)
        return "" if self._limit is None else f"; SET LOCAL statement_timeout = {self._limit}"

    def _write_alone(self) -> float:
        """One piece, seen as the revision's own, tried again from its beginning when a lock is not free."""
        tries, wrote = 0, 0.0

        def before_each_try() -> str:
            """The ends of the pieces are looked for while no row is locked, and so without a limit."""
            nonlocal tries
            tries += 1
            if tries > 1:  # its locks are in somebody's way
                self._pieces.halve()
            self._pieces.look(self.cursor.after)
            return self._setting(alone=True)

        def write() -> tuple[Cursor, int]:
            nonlocal wrote
            piece = self._pieces.take()
            self._asked = time.monotonic()
            written = self.work.run(self._update(self.cursor.after, piece))
            self._pieces.wrote(piece.rows or written, time.monotonic() - self._asked)
            walked = written if piece.rows is None else piece.rows
            done = self.done + (walked if self.where else written)
            cursor = Cursor(piece.upper or self.cursor.after, piece.last)
            self.work.ask(self._end(cursor, done))
            wrote = time.monotonic()
            return cursor, done

        self.cursor, self.done = self.work.in_transaction(self.title, write, settings=before_each_try)
        self._ended = self.done
        return time.monotonic() - wrote

    def _write_together(self, pieces: Sequence[Piece]) -> float:
        """Full pieces, each in a transaction of its own."""
        setting, journal, entry = self._setting(alone=False), self.work.journal, self.work.entry
        cursor, done, said = self.cursor, self.done, []
        for piece in pieces:
            done += piece.rows or 0
            update, cursor = self._update(cursor.after, piece), Cursor(piece.upper)
            keep = journal.keep(entry, cursor.to_text(), done)
            said.append(f"{setting}; {update}; {self._end(cursor, done) if piece is pieces[-1] else keep}")
        self._asked = time.monotonic()
        try:
            # Few statements, as reading their answers takes processor time from whoever shares the machine.
            self.work.ask(BEGIN + "; COMMIT AND CHAIN".join(said))
            wrote = time.monotonic()
            self.work.ask("COMMIT")
        except BaseException:
            self.work.roll_back()
            raise
        self._pieces.wrote(done - self.done, wrote - self._asked, len(pieces))
        self.cursor, self.done, self._ended = cursor, done, done
        return time.monotonic() - wrote

    def _end(self, cursor: Cursor, done: int) -> str:
        journal, entry = self.work.journal, self.work.entry
        return journal.advance(entry, cursor.to_text(), done, self.total, self._ended)

    def _update(self, after: list[str] | None, piece: Piece) -> str:
        condition = f" AND ({ended(self.where)})" if self.where else ""
        return (
            f"UPDATE {self.table} SET {ended(self.assignments)} WHERE {self._range(after, piece)}{condition}"
        )

    def _range(self, after: list[str] | None, piece: Piece) -> str:
        """Both ends. Where no row is left it is no row, but PostgreSQL reads the expressions even so."""
        if piece.upper is None:
            return f"{self.key.parts[0].name} IS NULL"
        ends = [self.key.compared(">", after)] if after else []
        return " AND ".join([*ends, self.key.compared("<=", piece.upper)])

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


def ended(text: str) -> str:
    """A revision's own SQL, so that a remark at its end does not take away what we write behind it."""
    return f"{text}\n" if "--" in text else text


def _where(condition: str | None) -> str:
    return f" WHERE {ended(condition)}" if condition else ""
