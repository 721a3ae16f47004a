"""Who decides how long an operation waits: the run that it is part of, or nobody but the operation itself."""

from __future__ import annotations

import logging
import random
import time
from typing import Protocol

from sqlalchemy import Connection

from dbmigrate.domain.progress import Progress

LOCK_MS = 100
"""How long a statement may stand in a lock's queue, and so hold up everyone behind it."""
LONGEST_PAUSE_SECONDS = 5.0
PATIENCE_SECONDS = 600.0

logger = logging.getLogger("alembic.runtime.migration")


class Conductor(Protocol):
    """Asked between the steps and the batches of an operation."""

    @property
    def revision(self) -> str:
        """The revision that runs, "" when nobody knows."""

    @property
    def lock_ms(self) -> int:
        """lock_timeout of the short steps, in milliseconds."""

    def go_on(self, progress: Progress) -> None:
        """May pause, and may raise: WorkContinues when the time of this invocation is over or the run is
        paused, RunStopped when it was stopped."""

    def lock_not_free(
        self, tries: int, error: Exception, progress: Progress, connection: Connection, statement: str
    ) -> None:
        """A step was rolled back because of a lock, for the ``tries``-th time in a row. Sleeps before the
        next try, or raises LockNotFree."""


class Patient:
    """The conductor of plain Alembic and of rehearsals: there is time, and nobody else to ask."""

    revision = ""
    lock_ms = LOCK_MS

    def __init__(self) -> None:
        self._since = 0.0

    def go_on(self, progress: Progress) -> None:
        logger.info("%s %s: %s", progress.operation, progress.table, _how_far(progress))

    def lock_not_free(
        self, tries: int, error: Exception, progress: Progress, connection: Connection, statement: str
    ) -> None:
        now = time.monotonic()
        if tries == 1:
            self._since = now
        if now - self._since > PATIENCE_SECONDS:
            raise error
        logger.info("%s %s waits for a lock (%s)", progress.operation, progress.table, progress.step)
        time.sleep(pause_before(tries))


def pause_before(tries: int) -> float:
    """Seconds before the next try: longer each time, with jitter, so that two who collided do not again."""
    return min(random.uniform(0.05, 0.15) * 2.0**tries, LONGEST_PAUSE_SECONDS)


def _how_far(progress: Progress) -> str:
    rows = f", {progress.rows_done} rows" if progress.rows_done is not None else ""
    return f"step {progress.number} of {progress.of}, {progress.step}{rows}"
