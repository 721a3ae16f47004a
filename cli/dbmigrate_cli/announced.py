"""A database whose moves are told while they happen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import History
from dbmigrate.domain.progress import Progress as Work
from dbmigrate.domain.words import counted, first_line
from dbmigrate_cli.output import Output, Progress
from dbmigrate_cli.working import told

BEGIN = "begin"  # what a run says before each revision, long or short
VERBS = {"upgrade": "Applying", "downgrade": "Undoing"}


def announced(output: Output) -> type[Database]:
    """A kind of Database that tells ``output`` before each move, and after each revision of it."""

    class Announced(Database):
        def move(
            self,
            history: History,
            revisions: Sequence[str],
            direction: str,
            run: str,
            facts: Mapping[str, str | None],
            committed: Callable[[str, float, int], None] = lambda revision, seconds, lock_waits: None,
            check: Callable[[tuple[str, ...]], None] = lambda current: None,
        ) -> None:
            lines = MoveLines(output, history, revisions, direction)
            self.progress = lines.work
            output.say(f"{VERBS[direction]} {counted(len(revisions), 'revision')} on {self.target.place}")

            def told(revision: str, seconds: float, lock_waits: int) -> None:
                lines.committed(revision, seconds, lock_waits)
                committed(revision, seconds, lock_waits)

            lines.next()
            try:
                super().move(history, revisions, direction, run, facts, told, check)
            finally:
                lines.progress.clear()

    return Announced


class MoveLines:
    """A line for each committed revision; on a terminal, one more for the revision that is running."""

    def __init__(self, output: Output, history: History, revisions: Sequence[str], direction: str) -> None:
        self.output, self.history, self.revisions = output, history, revisions
        self.progress: Progress = output.progress(VERBS[direction])
        self.done = 0
        self.width = max((len(revision) for revision in revisions), default=0)

    def next(self) -> None:
        """Say which one runs now."""
        if self.done < len(self.revisions):
            self.progress(self.done, len(self.revisions), self.revisions[self.done])

    def work(self, progress: Work) -> None:
        """Say how far the work of the one that runs is."""
        if progress.step != BEGIN and not self.output.for_programs:
            revision = progress.revision or self.revisions[min(self.done, len(self.revisions) - 1)]
            self.progress(self.done, len(self.revisions), told({**progress.to_json(), "revision": revision}))

    def committed(self, revision: str, seconds: float, lock_waits: int) -> None:
        """Say that one is done."""
        self.done += 1
        self.progress.clear()
        number = str(self.done).rjust(len(str(len(self.revisions))))
        waited = f"  (a lock was not free {counted(lock_waits, 'time')})" if lock_waits else ""
        why = first_line(self.history.revisions[revision].doc)
        done = f"{number}/{len(self.revisions)}  {revision.ljust(self.width)}  {milliseconds(seconds)}"
        line = f"  {done}{waited}  {why}"
        self.output.say(self.output.fit(line))
        self.next()


def milliseconds(seconds: float) -> str:
    """A short time in eight columns."""
    return f"{seconds * 1000:5.0f} ms" if seconds < 10 else f"{seconds:6.1f} s"


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)


def summary(run: str, outcome: str, revisions: list[str], watch: Stopwatch, **more: Any) -> dict[str, Any]:
    """The JSON form of a finished run."""
    return {"run": run, "outcome": outcome, "revisions": revisions, "seconds": watch.seconds, **more}
