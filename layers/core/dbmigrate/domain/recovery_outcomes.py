"""How a recovery can end, in the words of its notices."""

from __future__ import annotations

from dbmigrate.domain.outcome import Outcome

RECOVER = "db-migrate --environment {environment} recover"
AS_BEFORE = (
    "The application has its database back exactly as it had it, and the copy that nobody takes is deleted."
)

RECOVERY_OUTCOMES = {
    "RecoveryBegan": Outcome(
        "RECOVERY BEGINS, the application is shut out",
        "The application loses its connections now. A copy of the database is restored beside it, and the "
        "approvers are asked before anything takes its place.",
        "to give it up, abort the execution in the console: before the swap that puts everything back",
        failed=False,
    ),
    "Recovered": Outcome(
        "recovered",
        "The restored instance has the database's name, and the application is let in. The old instance is "
        "kept: it is still fenced, nothing of it was deleted, and it costs money.",
        failed=False,
    ),
    "RecoveryRefused": Outcome(
        "recovery refused", "It was not begun, and this request has changed nothing.", f"{RECOVER} --help"
    ),
    "RecoveryRejected": Outcome("recovery rejected", f"An approver said no. {AS_BEFORE}", RECOVER),
    "RecoveryExpired": Outcome(
        "recovery expired", f"Nobody decided in time: that is a no. {AS_BEFORE}", RECOVER
    ),
    "RecoveryFailed": Outcome("recovery failed", f"A step before the swap failed. {AS_BEFORE}", RECOVER),
    "RecoveryAbandoned": Outcome("recovery given up", AS_BEFORE, RECOVER),
    "RecoveryUnfinished": Outcome(
        "RECOVERY UNFINISHED, NEEDS A PERSON",
        "The swap has begun and did not come to its end; the application is still shut out. Both instances "
        "are there, and what was done is done: it goes on from there.",
        f"{RECOVER} --resume {{run}}",
        critical=True,
    ),
    "FenceStands": Outcome(
        "FENCE STANDS, NEEDS A PERSON",
        "The recovery was given up, but the application could not be let in again. Its data is untouched.",
        f"{RECOVER} --abandon {{run}}",
        critical=True,
    ),
    "ApplicationNotStarted": Outcome(
        "recovered, APPLICATION NOT STARTED",
        "The restored instance has the database's name and is open; what starts the application failed.",
        "start the application by hand",
    ),
    "RecoveryInterrupted": Outcome(
        "recovery interrupted",
        "Its execution was ended from outside. Before the swap everything is being put back now, by itself; "
        "behind its beginning the next notice says how to go on.",
        "db-migrate --environment {environment} status",
    ),
}
