"""What a run has around its revisions, and a rehearsal has not: time, wishes, a journal, long statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from dbmigrate.adapters import half_applied
from dbmigrate.adapters.commits_inside import CommitsInside
from dbmigrate.adapters.handles import Handles
from dbmigrate.adapters.long_statement import LongStatements
from dbmigrate.adapters.run_conductor import RunConductor
from dbmigrate.adapters.target import Target
from dbmigrate.domain.progress import Progress
from dbmigrate.domain.unfinished import Unfinished


class Attended:
    """The attendance of one run on its connection."""

    def __init__(
        self,
        connection: Connection,
        target: Target,
        conductor: RunConductor,
        handles: Handles | None = None,
        keep: Callable[[str], None] = lambda revision: None,
        line: Callable[[str, float, int], str] = lambda revision, seconds, lock_waits: "",
    ) -> None:
        """``keep`` may look at the database as it is before a revision; ``line`` is SQL for the end of its
        transaction."""
        self.connection, self.conductor, self._keep = connection, conductor, keep
        self.line = line
        self.at_begin = ""  # an SQL expression for the query that begins each revision's transaction
        self._inside = CommitsInside(connection, conductor)
        self._long = LongStatements(connection, target, conductor, handles)
        self._inside.listen()
        self._long.listen()
        conductor.midway = lambda: bool(self.remaining())
        self._look_back = True

    def approach(self, revision: str, direction: str, again: bool) -> None:
        """Before a revision: is there time, does anybody wish otherwise, does a long statement work yet? With
        ``again`` an earlier try may have left something. Raises WorkContinues or RunStopped."""
        self.conductor.revision, self._look_back = revision, again
        self.conductor.go_on(Progress(revision, direction, "", "begin"))
        if again:
            self._long.adopt()
        self._keep(revision)

    @contextmanager
    def revision(self) -> Iterator[None]:
        """While the revision's own code runs."""
        with self._inside.revision(self._look_back):
            yield

    def remaining(self) -> list[Unfinished]:
        """What stands of a revision that is not recorded."""
        return half_applied.remaining(self.connection)

    def forget(self) -> None:
        """Nothing of it stands."""
        half_applied.forget(self.connection)
