"""Steer: pause a run, let it go on, or stop it and say what state the database is in."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from dbmigrate.domain.errors import BadRequest, NoConnectionFree, NotYetStopped
from dbmigrate.domain.handle import place_of
from dbmigrate.domain.standing import Standing, label

GRACE_SECONDS = 3.0
"""How long a session may take to end by itself after its statement was cancelled; then it is ended."""
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.2
WISHES = {"pause": "pause", "resume": None, "stop": "stop"}


class Inside(Protocol):
    """The database over one connection; see dbmigrate.adapters.steering."""

    def known(self, run: str) -> dict[str, Any] | None: ...
    def wish(self, run: str, wish: str | None, by: str) -> bool: ...
    def cancel(self, run: str, force: bool) -> int: ...
    def close_stopped(self, run: str, detail: str, seconds: float) -> bool: ...
    def look(self) -> Standing: ...


class Steering(Protocol):
    """How runs are reached; see dbmigrate.adapters.steering."""

    def inside(self) -> AbstractContextManager[Inside]: ...
    def cancel_from_outside(self, run: str) -> int: ...


class Stopwatch:
    """Seconds since the stop was asked for, and whether they are more than there is patience for."""

    def __init__(self, patience: float) -> None:
        self._began, self._patience = time.monotonic(), patience

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def wait(self, still: Callable[[], NotYetStopped]) -> None:
        """Raise what is still the matter when the patience is over."""
        if self.seconds > self._patience:
            raise still()
        time.sleep(POLL_SECONDS)


def steer(
    run: str, wish: str, by: str, steering: Steering, patience: float = PATIENCE_SECONDS
) -> dict[str, Any]:
    """Do what ``by`` wishes of the run: pause, resume or stop; says what came of it.

    Raises BadRequest for another wish and for a run that cannot do it, NoConnectionFree, NotYetStopped.
    """
    if wish not in WISHES:
        raise BadRequest(f"'{wish}' is nothing that a run can do: {', '.join(WISHES)}.")
    place_of(run)
    return stop(run, by, steering, patience) if wish == "stop" else _ask(run, wish, by, steering)


def _ask(run: str, wish: str, by: str, steering: Steering) -> dict[str, Any]:
    """The run hears it between two batches or steps."""
    with steering.inside() as database:
        heard = database.wish(run, WISHES[wish], by)
        known = database.known(run)
    if not heard:
        raise _deaf(run, wish, known)
    return {"run": run, "wish": wish, "by": by, "at": known["wished_at"] if known else None}


def _deaf(run: str, wish: str, known: dict[str, Any] | None) -> BadRequest:
    if known is None:
        return BadRequest(
            f"There is no run {run}, or it has not begun to change the database: it cannot {wish}.", RUNS
        )
    if known["ended_at"] is None:
        return BadRequest(f"Run {run} is being stopped by {known['wished_by']}.", f"db-migrate stop {run}")
    return BadRequest(f"Run {run} has ended as {known['outcome']}, {known['ended_at']}.", RUNS)


RUNS = "see which runs are open: db-migrate runs"


def stop(run: str, by: str, steering: Steering, patience: float = PATIENCE_SECONDS) -> dict[str, Any]:
    """Cancel what the run does, give back what it holds, and say what state the database is in.

    Without a free connection its statements are cancelled from outside, again and again: that is what frees
    connections. Raises NotYetStopped when that, too, took longer than ``patience`` seconds.
    """
    watch = Stopwatch(patience)
    while True:
        try:
            with steering.inside() as database:
                return _stop_inside(run, by, database, watch)
        except NoConnectionFree as error:
            watch.wait(_unseen(run, steering.cancel_from_outside(run), error))


def _stop_inside(run: str, by: str, database: Inside, watch: Stopwatch) -> dict[str, Any]:
    known = database.known(run)
    database.wish(run, "stop", by)
    sessions = 0
    while left := database.cancel(run, force=watch.seconds > GRACE_SECONDS):
        sessions = max(sessions, left)
        watch.wait(_stubborn(run, left))
    # What we cancelled may have written an end of its own just now.
    closed = database.close_stopped(run, f"stopped by {by}", watch.seconds + POLL_SECONDS)
    return _report(database.known(run) or known, database.look()) | {
        "run": run,
        "stopped": closed,
        "sessions": sessions,
    }


def _report(known: dict[str, Any] | None, standing: Standing) -> dict[str, Any]:
    """What is true now. ``applied`` is what the run moved, oldest first."""
    return {
        "outcome": known["outcome"] if known else None,
        "ended_at": known["ended_at"] if known else None,
        "current": label(standing.current),
        "applied": known["revisions"] if known else [],
        "unfinished": [line.to_json() for line in standing.unfinished],
        "invalid_indexes": list(standing.invalid_indexes),
        "held_by": standing.open_run["run"] if standing.open_run else None,
    }


def _unseen(run: str, asked: int, error: NoConnectionFree) -> Callable[[], NotYetStopped]:
    return lambda: NotYetStopped(
        f"{asked} sessions of run {run} were told to cancel, over and over, but no connection was free to "
        f"see what came of it, and its lease is not given back. {error.message}",
        f"the same again: db-migrate stop {run}; {error.hint}",
    )


def _stubborn(run: str, left: int) -> Callable[[], NotYetStopped]:
    return lambda: NotYetStopped(
        f"{left} sessions of run {run} are still there, though PostgreSQL was told to end them.",
        "look at what they wait for: SELECT * FROM pg_stat_activity WHERE application_name "
        f"LIKE 'db-migrate {run}%'; then again: db-migrate stop {run}",
    )
