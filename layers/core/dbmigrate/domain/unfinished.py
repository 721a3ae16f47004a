"""What a revision has begun and no recorded revision has closed: where a killed one stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from dbmigrate.domain.changelog import ObjectChange
from dbmigrate.domain.progress import Progress

WORD = re.compile(r"\w+")
SYNC = "zz_db_migrate"
"""Begins the names of our triggers and of their functions, before that of the table. Triggers fire in the
order of their names; ours take what the application's own have made of a row."""
SURE = 52
"""Bytes of a name that are kept where it is too long, and the rest is told by a hash."""

COMMITS_INSIDE = "commits inside"
"""The operation of a revision that commits before its end without safe operations."""


@dataclass(frozen=True)
class Unfinished:
    """One line of the journal. ``name`` is what the operation makes, ``statements`` are those that are
    committed where no operation knows them, ``pid`` is the session that works on it now."""

    progress: Progress
    name: str
    began_at: str
    finished: bool
    pid: int | None = None
    statements: tuple[str, ...] = ()

    @property
    def revision(self) -> str:
        return self.progress.revision

    @property
    def names(self) -> set[str]:
        """What it may have changed, without schemas."""
        named = {self.progress.table, *self.name.split(", ")}
        return {name.rpartition(".")[2].strip('"') for name in named} - {""}

    def _keeps_the_same(self, name: str) -> bool:
        """Whether it is the name of a function that keeps two columns of its table the same."""
        table = self.progress.table.rpartition(".")[2].strip('"')
        sure = f"{SYNC}_{table}_".encode()[:SURE].decode(errors="ignore")
        return name.startswith(sure)

    def explains(self, change: ObjectChange) -> bool:
        """Whether a difference of the catalog can be its own doing: the object that it works on, one that
        only differs in what it names, one that its statements name, or the function of a trigger of ours."""
        words = {word for statement in self.statements for word in WORD.findall(statement)}
        own = change.name.partition("(")[0].rpartition(".")[2].strip('"')
        if own in self.names | words or self._keeps_the_same(own):
            return True
        return bool(change.details) and all(
            self.names & {*WORD.findall(each.text)} for each in change.details
        )

    def seen(self, progress: Progress, pid: int) -> Unfinished:
        """The same, with what a look at the session that works on it added."""
        return replace(self, progress=progress, pid=pid)

    def to_json(self) -> dict[str, Any]:
        """The fields of Progress, and name, began_at, finished, pid and statements."""
        return {
            **self.progress.to_json(),
            "name": self.name,
            "began_at": self.began_at,
            "finished": self.finished,
            "pid": self.pid,
            "statements": list(self.statements),
        }

    def told(self) -> str:
        """One sentence for people."""
        at = self.progress
        if at.operation == COMMITS_INSIDE:
            return f"committed: {'; '.join(self.statements)}"
        what = " ".join(filter(None, (at.operation, at.table, self.name)))
        if self.finished:
            return f"{what}: done"
        rows = "" if at.rows_done is None else f", {at.rows_done:,} rows"
        step = at.step or "begun"
        number = max(at.number, 1)
        return f"{what}: step {number} of {max(at.of, number)}, {step}{rows}"


def explained(change: ObjectChange, lines: Iterable[Unfinished]) -> bool:
    """Whether one of these lines is why the catalog differs there."""
    return any(line.explains(change) for line in lines)
