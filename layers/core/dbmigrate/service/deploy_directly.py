"""Deploy in development: the same checks and the same moves, straight against the database, with nobody to
ask."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from dbmigrate.domain.errors import DbMigrateError, PlanOutdated, RevisionHalfApplied, RunStopped
from dbmigrate.domain.policy import Policy
from dbmigrate.domain.standing import DIRECT, label
from dbmigrate.domain.unfinished import Unfinished
from dbmigrate.service.checks import (
    check_history,
    refuse_drift,
    refuse_second_run,
    refuse_to_leave_half,
)
from dbmigrate.service.ports import Committed, Database, History


def deploy_directly(
    run: str,
    history: History,
    database: Database,
    requested_by: str,
    reason: str | None = None,
    committed: Committed = lambda revision, seconds, lock_waits: None,
) -> list[str]:
    """Apply all pending revisions, a transaction each; returns them. The ones before a failing one stay
    applied."""
    _ = history.head
    current = database.current()
    if not history.pending(current):
        refuse_to_leave_half(database.unfinished(), [], current, history)
        return []
    standing = database.look(before_move=True)
    refuse_second_run(standing, run)
    check_history(history, standing)
    pending = history.pending(standing.current)
    refuse_to_leave_half(standing.unfinished, pending, standing.current, history)
    refuse_drift(standing, None)
    start = standing.current
    return _move(run, history, database, start, pending, "upgrade", requested_by, reason, committed)


def roll_back_directly(
    run: str,
    history: History,
    database: Database,
    revisions: Sequence[str],
    requested_by: str,
    committed: Committed = lambda revision, seconds, lock_waits: None,
) -> list[str]:
    """Downgrade these revisions, given newest first."""
    start = database.current()
    refuse_to_leave_half(database.unfinished(), revisions, start, history)
    return _move(run, history, database, start, revisions, "downgrade", requested_by, None, committed)


def reset(
    run: str,
    history: History,
    database: Database,
    policy: Policy,
    requested_by: str,
    committed: Committed = lambda revision, seconds, lock_waits: None,
) -> list[str]:
    """Empty the database and apply the whole history. Raises ResetRefused outside of development, and
    WrongEnvironment when the database itself bears another stamp."""
    policy.check_reset()
    _ = history.head
    database.empty()
    return deploy_directly(run, history, database, requested_by, "reset", committed)


def _move(
    run: str,
    history: History,
    database: Database,
    start: tuple[str, ...],
    revisions: Sequence[str],
    direction: str,
    requested_by: str,
    reason: str | None,
    committed: Committed,
) -> list[str]:
    facts = {
        "bundle": DIRECT,
        "plan": DIRECT,
        "direction": direction,
        "requested_by": requested_by,
        "reason": reason,
    }

    def unmoved(current: tuple[str, ...]) -> None:
        """Another migrator may have had the lock while we waited for it."""
        if set(current) != set(start):
            raise PlanOutdated(
                f"Another migrator brought the database from {label(start)} to {label(current)} just now; "
                "this run changed nothing.",
                "look, then begin again: db-migrate status",
            )

    try:
        database.move(history, revisions, direction, run, facts, committed, unmoved)
    except BaseException as error:
        detail = error.message if isinstance(error, DbMigrateError) else str(error)
        outcome = "Interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__
        # What went wrong is the news; a ledger that cannot be reached either is not.
        half: Sequence[Unfinished] = ()
        with contextlib.suppress(DbMigrateError):
            half = database.unfinished()
            known = not (half or isinstance(error, RevisionHalfApplied))
            database.close_run(run, outcome, detail, remember=known)
        if isinstance(error, KeyboardInterrupt) and half:
            raise _interrupted(half) from error
        raise
    return list(revisions)


def _interrupted(half: Sequence[Unfinished]) -> RunStopped:
    stands = "".join(f"\n  {line.told()}" for line in half)
    return RunStopped(
        f"Interrupted in revision {half[-1].revision}, of which this stands:{stands}",
        "go on from there: db-migrate deploy",
    )
