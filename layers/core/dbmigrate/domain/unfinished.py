"""What a revision has begun and no recorded revision has closed: where a killed one stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dbmigrate.domain.progress import Progress

COMMITS_INSIDE = "commits inside"
"""The operation of a revision that is none of safe operations and yet commits before its end."""


@dataclass(frozen=True)
class Unfinished:
    """One line of the journal. ``name`` is what the operation makes, ``statements`` are those that are committed
    where no operation knows them, ``pid`` is the session that works on it now."""

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
    def tables(self) -> set[str]:
        """What it may have changed, with and without a schema."""
        return {name for name in (self.progress.table, self.name) if name}

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
        return f"{what}: step {max(at.number, 1)} of {at.of}, {step}{rows}"
