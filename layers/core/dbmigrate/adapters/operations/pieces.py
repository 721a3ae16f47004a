"""Where the next pieces of a walk end, and how many rows they should have.

A server's process that works on without a pause keeps its processor for milliseconds, and the application's
requests that the system has put there wait as long, even beside an idle one. Between two statements it waits
for the next, and others come in: so a batch is written in pieces of about a millisecond.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from dbmigrate.adapters.operations.keys import Key
from dbmigrate.adapters.operations.work import Work

FIRST, LEAST, MOST = 100, 1, 50_000
"""Rows of a piece. The first are few, as nobody knows yet how long the table's triggers take."""
PIECE_SECONDS = 0.001
"""How long the server should work on a piece; the way there and back comes on top."""
TRIPS = 3
"""So often is the way there and back measured; the shortest counts."""
AHEAD, ROWS_AHEAD = 50, 100_000
"""So many pieces are looked for at once, or fewer where they are long. Their ends are keys, which hold
whatever happens to the rows."""


@dataclass(frozen=True)
class Piece:
    """The rows up to a key, None where no row is left. How many they are is not known of the ``last``."""

    upper: list[str] | None
    rows: int | None
    last: bool = False


class Pieces:
    """Asks for the pieces of a table in the order of its key."""

    def __init__(self, work: Work, table: str, key: Key) -> None:
        self.work, self.table, self.key = work, table, key
        self.size = FIRST
        self._found: deque[Piece] = deque()
        self._rows, self._seconds = 0, 0.0
        self._trip = min(_seconds_of(work) for _ in range(TRIPS))

    def look(self, after: list[str] | None) -> None:
        """Find the pieces behind a key, where none is left of those that were found before."""
        if self._found:
            return
        if self._rows:
            self.size = next_size(self._rows, self._seconds, PIECE_SECONDS + self._trip, self.size)
        self._measure_anew()
        self._found += self._ends(after) or [self._rest(after)]

    def __iter__(self) -> Iterator[Piece]:
        """Those that were found, one behind the other; each is given once."""
        while self._found:
            yield self._found.popleft()

    def wrote(self, rows: int, seconds: float) -> None:
        """A piece of so many rows took so long."""
        self._rows += rows
        self._seconds += seconds

    @property
    def smallest(self) -> bool:
        """Whether they cannot be halved."""
        return self.size <= LEAST

    def halve(self) -> None:
        """Begin again behind another key, with smaller pieces."""
        self.size = max(LEAST, self.size // 2)
        self._found.clear()
        self._measure_anew()

    def _measure_anew(self) -> None:
        self._rows, self._seconds = 0, 0.0

    def _ends(self, after: list[str] | None) -> list[Piece]:
        """Jump from end to end of full pieces: an index is read, and only the ends travel."""
        names, last = self.key.names, ", ".join(f"zz_ends.{part.name}" for part in self.key.parts)
        first = f"SELECT {names}, 1 AS zz_number {self._behind(after)}"
        further = f"SELECT {names} FROM {self.table} WHERE ({names}) > ({last})"
        jump = f"ORDER BY {names} OFFSET {self.size - 1} LIMIT 1"
        ahead = min(AHEAD, max(1, ROWS_AHEAD // self.size))
        found = self.work.ask(
            f"WITH RECURSIVE zz_ends AS (({first} {jump}) UNION ALL SELECT zz_next.*, zz_number + 1 "
            f"FROM zz_ends, LATERAL ({further} {jump}) zz_next WHERE zz_number < {ahead}) "
            f"SELECT {self.key.as_text} FROM zz_ends ORDER BY zz_number"
        )
        return [Piece(json.loads(end), self.size) for (end,) in found]

    def _rest(self, after: list[str] | None) -> Piece:
        """Up to the last key of the table."""
        backwards = f"ORDER BY {self.key.backwards} LIMIT 1"
        found = self.work.ask(f"SELECT {self.key.as_text} {self._behind(after)} {backwards}")
        return Piece(json.loads(found[0][0]) if found else None, None, last=True)

    def _behind(self, after: list[str] | None) -> str:
        return f"FROM {self.table}" + (f" WHERE {self.key.compared('>', after)}" if after else "")


def _seconds_of(work: Work) -> float:
    """How long a question takes that is no work for the server."""
    began = time.monotonic()
    work.ask("SELECT")
    return time.monotonic() - began


def next_size(rows: int, seconds: float, target: float, size: int) -> int:
    """More rows where they were quick, fewer where they were slow; at most twice or half as many."""
    wanted = rows * target / max(seconds, 0.0001)
    return int(min(max(wanted, size / 2, LEAST), size * 2, MOST))
