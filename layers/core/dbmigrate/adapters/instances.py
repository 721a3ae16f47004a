"""RDS instances of a recovery: look, restore beside the old one, complete, rename, protect, discard.

Each call asks RDS first what is there, so that whoever comes after a lost answer can repeat it. Nothing here
can delete or overwrite the old one: only what bears the tag of the recovery is deleted, and never under the
database's own name. Aurora's half is dbmigrate.adapters.clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NoReturn

from botocore.exceptions import ClientError

from dbmigrate.adapters.carried import missing, not_carried, restore_values, tags_of
from dbmigrate.domain.drill import DRILL
from dbmigrate.domain.errors import DatabaseBusy, DbMigrateError, RestoreFailed, SwapFailed
from dbmigrate.domain.instance import Copy, Instance
from dbmigrate.domain.recovery import RecoveryPlan

ABSENT = {
    "DBInstanceNotFound", "DBInstanceNotFoundFault", "DBClusterNotFoundFault", "DBSnapshotNotFound",
    "DBSnapshotNotFoundFault", "DBClusterSnapshotNotFoundFault",
}  # fmt: skip
NO_AUTOMATED_BACKUP = {"DBInstanceAutomatedBackupNotFound", "DBInstanceAutomatedBackupNotFoundFault"}
EXISTS = {"DBInstanceAlreadyExists", "DBInstanceAlreadyExistsFault", "DBClusterAlreadyExistsFault"}
BUSY = {"InvalidDBInstanceState", "InvalidDBInstanceStateFault", "InvalidDBClusterStateFault"}
HINTS = {
    "InstanceQuotaExceeded": "raise the quota of DB instances, or delete one that nobody needs",
    "DBClusterQuotaExceededFault": "raise the quota of DB clusters, or delete one that nobody needs",
    "StorageQuotaExceeded": "raise the quota of storage, or delete an instance that nobody needs",
    "InsufficientDBInstanceCapacity": "wait some minutes: AWS has no free server of this class just now",
}
AGAIN = "look at it in RDS and mend what it says, then start another recovery: db-migrate recover"
Described = Mapping[str, Any]


class Instances:
    """``database`` is the identifier under which the application knows the one that is recovered."""

    kind = "instance"
    identifier, answers = "DBInstanceIdentifier", "DBInstances"
    describe = "describe_db_instances"
    describe_copies, copies_answer, copy_id = "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"

    def __init__(self, client: Any, database: str, drill_class: str = "") -> None:
        """``drill_class`` is of a drill's copy, where it is to be another than the old one's."""
        self._client, self.database, self._drill_class = client, database, drill_class

    def look(self, name: str) -> Instance | None:
        """What has this name now; None when nothing has it."""
        found = self._described(name)
        return self._instance(found) if found else None

    def window(self, name: str) -> tuple[float | None, float | None]:
        """The earliest and the latest moment, epoch seconds, that RDS can restore; None where it says
        none."""
        described = self._described(name) or {}
        windows = [found.get("RestoreWindow") or {} for found in self._automated(name, described)]
        latest = described.get("LatestRestorableTime")
        return epoch_of(next(iter(windows), {}).get("EarliestTime")), epoch_of(latest)

    def _automated(self, name: str, described: Described) -> list[Described]:
        """Its automated backups. RDS tells of earlier instances of that name, too, and where there is none at
        all may answer with an error."""
        try:
            answer = self._client.describe_db_instance_automated_backups(DBInstanceIdentifier=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NO_AUTOMATED_BACKUP:
                raise
            return []
        own = described.get("DbiResourceId")
        found = answer["DBInstanceAutomatedBackups"]
        return [each for each in found if each.get("DbiResourceId", own) == own]

    def copy(self, snapshot: str) -> Copy | None:
        """The snapshot of this name."""
        return next(iter(self._copies(**{self.copy_id: snapshot})), None)

    def copies(self) -> list[Copy]:
        """The database's snapshots, the newest first."""
        return sorted(
            self._copies(**{self.identifier: self.database}), key=lambda one: one.taken, reverse=True
        )

    def restore(self, plan: RecoveryPlan, tags: Mapping[str, str]) -> None:
        """Start restoring beside the old one, or join what a call before has started.

        Raises RestoreFailed, or DatabaseBusy when RDS would take it later."""
        old = self._described(self.database)
        if old is None:
            raise RestoreFailed(
                f"{self.database} is not there, so nobody knows how its copy should be set up.",
                f"restore it in RDS under the name {self.database}, from the newest snapshot",
            )
        with_errors(RestoreFailed, f"{plan.restored} cannot be restored", EXISTS)(
            self._restore, plan, old, tags_of(old, tags)
        )

    def complete(self, plan: RecoveryPlan) -> None:
        """Give the copy what it needs beside its data before it serves: nothing, for an instance."""

    def carry_over(self, plan: RecoveryPlan) -> None:
        """Give it the settings that the restoring call does not take, while the old one has its name yet.

        What RDS refuses does not end an emergency: ``differences`` says what is missing."""
        old, new = self._described(self.database), self._described(plan.restored)
        if old is not None and new is not None and (values := self._missing(old, new)):
            with suppress(ClientError):
                self._modify(plan.restored, **values)

    def differences(self, name: str, like: str) -> list[str]:
        """What it does not have of the other one, in words: refused by RDS, or not in our hands."""
        old, new = self._described(like), self._described(name)
        if old is None or new is None:
            return []
        return [*not_carried(old), *(f"RDS did not take {key}" for key in sorted(self._missing(old, new)))]

    def rename(self, name: str, to: str) -> None:
        """Ask RDS to give it another name, at once. Raises SwapFailed, or DatabaseBusy for now."""
        rename = with_errors(SwapFailed, f"{name} cannot be renamed to {to}")
        rename(self._modify, name, **{f"New{self.identifier}": to})

    def protect(self, name: str, like: str) -> None:
        """Protect it against deletion where the other one is. Raises SwapFailed, or DatabaseBusy for now."""
        old, new = self._described(like) or {}, self._described(name) or {}
        if old.get("DeletionProtection") and not new.get("DeletionProtection"):
            protect = with_errors(SwapFailed, f"{name} cannot be protected against deletion")
            protect(self._modify, name, DeletionProtection=True)

    def discard(self, name: str, recovery: str) -> None:
        """Let RDS delete what this recovery has restored, without a last snapshot; nothing there is fine.

        Raises RestoreFailed for what bears another tag or the database's own name: that stays. DatabaseBusy
        when RDS deletes it only later."""
        found = self._described(name)
        if found is None:
            return
        if name == self.database or not self._instance(found).made_by(recovery):
            raise RestoreFailed(
                f"{name} was not made by {recovery}, so it is not deleted.",
                "look at it in RDS: its tag 'recovery' names who made it",
            )
        with_errors(RestoreFailed, f"{name} cannot be deleted", ABSENT)(self._discard, found)

    # ---- the calls of an instance, which a cluster has otherwise
    def _instance(self, found: Described) -> Instance:
        endpoint = found.get("Endpoint") or {}
        return Instance(
            name=found["DBInstanceIdentifier"],
            status=found["DBInstanceStatus"],
            resource_id=found.get("DbiResourceId", ""),
            host=endpoint.get("Address", ""),
            port=endpoint.get("Port", 0),
            tags=tags_in(found),
            retention=found.get("BackupRetentionPeriod", 0),
            pending=tuple(sorted(found.get("PendingModifiedValues") or {})),
        )

    def _restore(self, plan: RecoveryPlan, old: Described, tags: list[dict[str, str]]) -> None:
        values = restore_values(old) | self._cheaper(plan) | {"Tags": tags}
        if plan.snapshot:
            self._client.restore_db_instance_from_db_snapshot(
                DBInstanceIdentifier=plan.restored, DBSnapshotIdentifier=plan.snapshot, **values
            )
        else:
            self._client.restore_db_instance_to_point_in_time(
                SourceDBInstanceIdentifier=self.database,
                TargetDBInstanceIdentifier=plan.restored,
                RestoreTime=datetime.fromisoformat(str(plan.time)),
                **values,
            )

    def _missing(self, old: Described, new: Described) -> dict[str, Any]:
        return missing(old, new)

    def _modify(self, name: str, **values: Any) -> None:
        self._client.modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True, **values)

    def _discard(self, found: Described) -> None:
        name = found["DBInstanceIdentifier"]
        if found.get("DeletionProtection"):
            self._modify(name, DeletionProtection=False)
        if found["DBInstanceStatus"] != "deleting":
            self._client.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)

    # ---- shared
    def _cheaper(self, plan: RecoveryPlan) -> dict[str, Any]:
        """What a throwaway copy has otherwise than the old one."""
        if plan.kind != DRILL:
            return {}
        alone = {"MultiAZ": False, "DeletionProtection": False} if self.kind == "instance" else {}
        return alone | ({"DBInstanceClass": self._drill_class} if self._drill_class else {})

    def _described(self, name: str) -> dict[str, Any] | None:
        found = self._ask(self.describe, self.answers, **{self.identifier: name})
        return dict(found[0]) if found else None

    def _copies(self, **which: str) -> list[Copy]:
        found = self._ask(self.describe_copies, self.copies_answer, **which)
        return [
            Copy(one[self.copy_id], one["Status"], one[self.identifier],
                 epoch_of(one.get("SnapshotCreateTime")) or 0.0, tags_in(one))
            for one in found
        ]  # fmt: skip

    def _ask(self, call: str, answers: str, **which: Any) -> list[dict[str, Any]]:
        try:
            pages = self._client.get_paginator(call).paginate(**which)
            return [found for page in pages for found in page[answers]]
        except ClientError as error:
            if code_of(error) in ABSENT:
                return []
            raise


def with_errors(
    kind: type[DbMigrateError], what: str, fine: set[str] | frozenset[str] = frozenset()
) -> Callable[..., None]:
    """A caller that turns RDS's refusals into ours; those that are ``fine`` are the wish fulfilled."""

    def call(wanted: Callable[..., None], *arguments: Any, **named: Any) -> None:
        try:
            wanted(*arguments, **named)
        except ClientError as error:
            if code_of(error) not in fine:
                _refuse(kind, what, error)

    return call


def _refuse(kind: type[DbMigrateError], what: str, error: ClientError) -> NoReturn:
    message = f"{what}: RDS answers {said_of(error)}"
    if code_of(error) in BUSY:
        hint = "wait until RDS shows it as available; the recovery asks again by itself"
        raise DatabaseBusy(message, hint) from error
    raise kind(message, HINTS.get(code_of(error), AGAIN)) from error


def code_of(error: ClientError) -> str:
    """Which refusal it is, in RDS's word."""
    return str(error.response["Error"]["Code"])


def said_of(error: ClientError) -> str:
    """The refusal with its reason."""
    return f"{code_of(error)}: {error.response['Error'].get('Message', '')}"


def tags_in(found: Described) -> dict[str, str]:
    """The tags of what RDS describes."""
    return {tag["Key"]: tag.get("Value", "") for tag in found.get("TagList") or ()}


def epoch_of(moment: datetime | None) -> float | None:
    """A time of RDS as epoch seconds."""
    return moment.timestamp() if moment else None
