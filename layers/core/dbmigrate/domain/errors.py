"""Everything that can go wrong, as nouns. The class names are the error names of the state machine.

DbMigrateError
    Misconfigured             usage or configuration (exit 2)
        LoginFailed, MissingPolicy, PoolerFound, ReaderFound
        DatabaseUnreachable
            NoConnectionFree
    Refused                   validation or policy says no; nothing was changed (exit 3)
        BadRequest, BundleRejected, HistoryRejected, EditedRevision, UnknownRevision, DriftFound,
        WrongEnvironment, FindingsBlock, NotYetProven, PlanOutdated, RunInProgress, ForceRefused,
        ResetRefused, LinkRefused, BlockersFound, ServerUnfit, RecoveryRefused, DrillRefused, RehearsalFailed
            LimitExceeded
    Failed                    nothing of this step remains in the database (exit 1)
        StillRunning, WorkContinues, RevisionFailed, BackupFailed, BackupUnseen, DatabaseBusy,
        ServerNotReady, RestoreFailed, WrongInstance, HookFailed, LockNotFree
            LockNotFreeMidway
    NeedsPerson               somebody must look and act (exit 4)
        RevisionHalfApplied, RunStopped, VerificationFailed, AlarmRaised, NotReversible, NotYetStopped,
        FenceFailed, IntegrityFailed, SwapFailed
"""

from __future__ import annotations

from dbmigrate.domain.progress import Progress

NEXT = "\nNext: "
"""Stands between what went wrong and what to type next, where both are one text."""


class DbMigrateError(Exception):
    """Base of all errors of this project.

    ``message`` says where and why, ``hint`` what to type next. ``exit_code`` is the command's documented exit
    code.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}{NEXT}{hint}" if hint else message)
        self.message = message
        self.hint = hint


class Misconfigured(DbMigrateError):
    """An option, a setting or a credential is wrong or missing; nothing was changed."""

    exit_code = 2


class DatabaseUnreachable(Misconfigured):
    """No server answers at the address."""


class NoConnectionFree(DatabaseUnreachable):
    """The server answers, but others use every connection that we could have."""


class LoginFailed(Misconfigured):
    """The server refused the user, the password or the database name."""


class PoolerFound(Misconfigured):
    """A pooler or RDS Proxy stands between us and PostgreSQL; session locks and settings would leak."""


class ReaderFound(Misconfigured):
    """The server takes no writes: a replica, or the reader endpoint of a cluster."""


class MissingPolicy(Misconfigured):
    """The environment has no complete policy row."""


class Refused(DbMigrateError):
    """A check or the policy says no; nothing was changed."""

    exit_code = 3


class BadRequest(Refused):
    """The input of an execution, an event or an option is malformed."""


class BundleRejected(Refused):
    """The bundle is unreadable, has another digest than its name, or holds a path outside itself."""


class HistoryRejected(Refused):
    """The revisions do not form one history: several heads, a broken link, a file that does not load."""


class EditedRevision(Refused):
    """A revision that was already applied has other content now."""


class UnknownRevision(Refused):
    """The database stands at a revision that this history does not know."""


class DriftFound(Refused):
    """The database is not what its revisions make of it."""

    def __init__(self, message: str, differences: list[str], hint: str = "") -> None:
        shown = [f"  {difference}" for difference in differences[:20]]
        more = [f"  and {len(differences) - 20} more"] if len(differences) > 20 else []
        super().__init__("\n".join([message, *shown, *more]), hint)
        self.differences = differences


class WrongEnvironment(Refused):
    """The database says that it belongs to another environment."""


class FindingsBlock(Refused):
    """At least one finding has severity block."""


class NotYetProven(Refused):
    """The policy wants the same bundle to have succeeded in another environment before."""


class PlanOutdated(Refused):
    """What was approved is not what would run now: other bundle, other plan or other starting revision."""


class RunInProgress(Refused):
    """Another run holds the database's lease."""


class ForceRefused(Refused):
    """The policy does not allow to skip the approval, or no reason was given."""


class ResetRefused(Refused):
    """The policy, or the database itself, says that this is not a development database."""


class LinkRefused(Refused):
    """An approval link is unknown, expired, already used or was answered with a wrong code."""


class BlockersFound(Refused):
    """Somebody would make the revision, or the revision would make somebody, wait; nothing was tried."""


class ServerUnfit(Refused):
    """The server is no place for this plan: too little storage, or a blue/green deployment under way."""


class RecoveryRefused(Refused):
    """RDS cannot restore what was asked for, or the recovery is not where it could do that."""


class DrillRefused(Refused):
    """There is no backup that a drill could restore, or no drill of that name."""


class Failed(DbMigrateError):
    """A step failed; nothing of it remains in the database."""


class LockNotFree(Failed):
    """Another session holds a conflicting lock; the revision was rolled back whole."""


class LockNotFreeMidway(LockNotFree):
    """A step of a resumable revision did not get its lock; the steps before it stand, and a rerun goes on."""


class StillRunning(Failed):
    """An earlier invocation of the same run is at work yet; only it knows what it will have done."""


class WorkContinues(Failed):
    """The invocation's time is over, or the run is paused; what was done stays, and the next call goes on.

    ``wait`` is after how many seconds asking again makes sense.
    """

    def __init__(self, progress: Progress, wait: int = 0) -> None:
        super().__init__(
            f"Revision {progress.revision or 'under way'}: {progress.operation} {progress.table}, "
            f"step {progress.number} of {progress.of} ({progress.step}), is not done yet.",
            "go on: db-migrate deploy",
        )
        self.progress = progress
        self.wait = wait


class RevisionFailed(Failed):
    """A revision raised; its transaction was rolled back."""


class RehearsalFailed(Refused):
    """A revision does not run on a scratch database."""


class LimitExceeded(RehearsalFailed):
    """A revision took too long, too much memory or too many processes, and was stopped."""


class BackupFailed(Failed):
    """The backup could not be started or did not become available."""


class BackupUnseen(Failed):
    """RDS does not say how far a backup is; that passes."""


class DatabaseBusy(Failed):
    """RDS backs the database up or changes it just now; a snapshot can be started when that is over."""


class RestoreFailed(Failed):
    """The backup could not be restored, or what was restored is gone; the old instance is untouched."""


class WrongInstance(Failed):
    """The name leads to another instance than the one that is meant: the copy, or the old one."""


class HookFailed(Failed):
    """The user's own hook, which stops or starts the application around a recovery, failed."""


class ServerNotReady(Failed):
    """The server has too much to do just now, or is being changed; that passes."""


class NeedsPerson(DbMigrateError):
    """The database is in a state that a person must judge."""

    exit_code = 4


class RunStopped(NeedsPerson):
    """Somebody stopped the run; what was committed stands, and its next run goes on from there."""


class RevisionHalfApplied(NeedsPerson):
    """A revision that commits inside (autocommit_block) failed and may have left something behind, or
    something else was asked for before it was brought to its end."""


class VerificationFailed(NeedsPerson):
    """After the upgrade the database is not what the evidence says."""


class AlarmRaised(NeedsPerson):
    """An application alarm went off while the run was being watched."""


class NotReversible(NeedsPerson):
    """The way back was not proved lossless, so nothing undoes it without a person."""


class NotYetStopped(NeedsPerson):
    """A run was told to stop, and it cannot be seen whether it has."""


class FenceFailed(NeedsPerson):
    """The application could not be shut out, or let in again; what stands is recorded in the database."""


class IntegrityFailed(NeedsPerson):
    """What was restored is damaged, or is not what its own ledger says."""


class SwapFailed(NeedsPerson):
    """The instances did not change their names; both are there, and the recovery can be resumed."""
