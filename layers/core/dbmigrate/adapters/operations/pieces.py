"""Where the next pieces of a walk end, and how many rows they should have."""

from __future__ import annotations

import json
import statistics
import time
from collections import deque
from dataclasses import dataclass

from dbmigrate.adapters.operations.bounds import Bounds
from dbmigrate.adapters.operations.keys import Key
from dbmigrate.adapters.operations.work import Work

FIRST, LEAST, MOST = 100, 1, 50_000
"""Rows of a piece. The first are few, as nobody knows yet how long the table's triggers take."""
TRIPS = 3
"""So often is the way there and back measured; the shortest counts."""
COMMITS = 9
"""So many of the latest commits tell how long one takes; the middle one counts."""
SHORTEST = 0.0001
"""What is shorter was not measured but guessed."""
AHEAD, ROWS_AHEAD = 100, 100_000
"""A batch has so many pieces and rows at most."""


@dataclass(frozen=True)
class Piece:
    """The rows up to a key, None where no row is left. How many they are is not known of the ``last``."""

    upper: list[str] | None
    rows: int | None
    last: bool = False


class Pieces:
    """Asks for the pieces of a table in the order of its key, and knows how long they take."""

    def __init__(self, work: Work, table: str, key: Key, bounds: Bounds) -> None:
        self.work, self.table, self.key, self.bounds = work, table, key, bounds
        self.size = FIRST
        self._found: deque[Piece] = deque()
        self._commits: deque[float] = deque([0.0], maxlen=COMMITS)
        self._rows, self._seconds, self._a_row = 0, 0.0, 0.0
        self._trip = min(_seconds_of(work) for _ in range(TRIPS))

    def look(self, after: list[str] | None) -> None:
        """Find the pieces behind a key, where none is left of those that were found before."""
        if self._found:
            return
        if self._rows:
            self.bounds.look_at_the_log(self._rows)
            wanted = next_size(self._rows, self._seconds, self.bounds.piece_seconds(self._commit), self.size)
            self.size = min(wanted, self.bounds.most_rows or wanted)
            self._rows, self._seconds = 0, 0.0
        self._found += self._ends(after) or [self._rest(after)]

    def take(self) -> Piece:
        """The next of those that were found; each is given once."""
        return self._found.popleft()

    def take_a_batch(self) -> list[Piece]:
        """The next ones that fit a batch's time together. None where nobody knows how long one takes or how
        many rows it has, or where one has time at most."""
        if not self._a_row or self._fit() <= 1 or self._found[0].last:
            return []
        return [self.take() for _ in range(len(self._found))]

    def wrote(self, rows: int, seconds: float, pieces: int = 1) -> None:
        """Pieces of so many rows together took so long, with every commit but the last."""
        server = max(seconds - self._trip - (pieces - 1) * self._commit, SHORTEST)
        self._rows += rows
        self._seconds += server
        self._a_row = server / max(rows, 1)

    def committed(self, seconds: float) -> None:
        """A commit took so long."""
        self._commits.append(max(seconds - self._trip, 0.0))

    @property
    def smallest(self) -> bool:
        """Whether they cannot be halved."""
        return self.size <= LEAST

    def halve(self) -> None:
        """Begin again behind another key, with smaller pieces, the first of them alone."""
        self.size = max(LEAST, self.size // 2)
        self._found.clear()
        self._rows, self._seconds, self._a_row = 0, 0.0, 0.0

    def _fit(self) -> int:
        """How many pieces a batch has time for."""
        return int(self.bounds.target / (self.size * self._a_row + self._commit))

    def _ahead(self) -> int:
        """How many to look for."""
        fit = min(self._fit(), AHEAD, ROWS_AHEAD // self.size) if self._a_row else 1
        return max(1, fit)

    @property
    def _commit(self) -> float:
        return statistics.median(self._commits)

    def _ends(self, after: list[str] | None) -> list[Piece]:
        """Jump from end to end of full pieces: an index is read, and only the ends travel."""
        names, last = self.key.names, ", ".join(f"zz_ends.{part.name}" for part in self.key.parts)
        first = f"SELECT {names}, 1 AS zz_number {self._behind(after)}"
        further = f"SELECT {names} FROM {self.table} WHERE ({names}) > ({last})"
        jump = f"ORDER BY {names} OFFSET {self.size - 1} LIMIT 1"
        found = self.work.ask(
            f"WITH RECURSIVE zz_ends AS (({first} {jump}) UNION ALL SELECT zz_next.*, zz_number + 1 "
            f"FROM zz_ends, LATERAL ({further} {jump}) zz_next WHERE zz_number < {self._ahead()}) "
            f"SELECT json_agg({self.key.as_json} ORDER BY zz_number)::text FROM zz_ends"
        )
        return [Piece(end, self.size) for end in json.loads(found[0][0] or "[]")]

    def _rest(self, after: list[str] | None) -> Piece:
        """Up to the last key of the table."""
        backwards = f"ORDER BY {self.key.backwards} LIMIT 1"
        found = self.work.ask(f"SELECT {self.key.as_json}::text {self._behind(after)} {backwards}")
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
    wanted = rows * target / max(seconds, SHORTEST)
    return int(min(max(wanted, size / 2, LEAST), size * 2, MOST))
