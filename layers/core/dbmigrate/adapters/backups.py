"""Backups of an RDS instance or an Aurora cluster, and the moments to which RDS could restore it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from botocore.exceptions import ClientError

from dbmigrate.adapters.snapshots import (
    CLUSTER,
    EXISTS,
    INSTANCE,
    Kind,
    Snapshots,
    code_of,
    said,
    tag_list,
)
from dbmigrate.domain.backup import Snapshot
from dbmigrate.domain.errors import BackupFailed, DatabaseBusy
from dbmigrate.domain.point_in_time import RestoreWindow

BUSY = {"InvalidDBInstanceState", "InvalidDBInstanceStateFault", "InvalidDBClusterStateFault"}
UNKNOWN = {"DBInstanceNotFound", "DBInstanceNotFoundFault", "DBClusterNotFoundFault"}
AGAIN = "look at the database in RDS, then start the run again: db-migrate deploy"
# Our snapshots are manual ones: RDS keeps them until somebody deletes them, by default 100 a Region.
QUOTA = (
    "delete snapshots that nobody needs (aws rds delete-db-snapshot), set BackupsKept lower, or raise the "
    "quota of manual snapshots; then start the run again: db-migrate deploy"
)
NAMES = "set DatabaseInstance or DatabaseCluster in samconfig.toml to what RDS calls it, and deploy the stack"


class _Backups(Snapshots):
    """The backups of one database."""

    of: Kind
    describe: str
    answers: str

    def __init__(self, client: Any, database: str) -> None:
        super().__init__(client, self.of)
        self.database = database

    @property
    def kind(self) -> str:
        return self.of.word

    def start(self, snapshot: str, tags: Mapping[str, str]) -> None:
        """Start a snapshot, or join the one of this name. Raises BackupFailed, DatabaseBusy."""
        names = {self._id: snapshot, self.of.database: self.database}
        try:
            getattr(self._client, f"create_{self.of.calls}")(**names, Tags=tag_list(tags))
        except ClientError as error:
            if code_of(error) not in EXISTS:
                self._fail(f"Snapshot {snapshot} of {self.database}", error)

    def look(self, snapshot: str) -> Snapshot:
        """The snapshot as RDS sees it now. Raises BackupFailed when it is gone, BackupUnseen."""
        found = self.find(snapshot)
        if found is None:
            raise BackupFailed(
                f"Snapshot {snapshot} of {self.database} is gone, deleted while the run needed it.",
                "see in CloudTrail who deleted it, then start the run again: db-migrate deploy",
            )
        return found

    def window(self) -> RestoreWindow:
        """To which moments RDS could restore the database. Raises BackupFailed."""
        try:
            found = getattr(self._client, self.describe)(**{self.of.database: self.database})[self.answers][0]
        except ClientError as error:
            self._fail(f"The restorable moments of {self.database} are not known", error)
        latest = found.get("LatestRestorableTime")
        days = int(found.get("BackupRetentionPeriod") or 0)
        return RestoreWindow(self.database, self.kind, days, latest.timestamp() if latest else None)

    def _fail(self, what: str, error: ClientError) -> NoReturn:
        code = code_of(error)
        if code in BUSY:
            raise DatabaseBusy(
                f"{self.database} cannot be backed up now, a backup or change of it is under way: "
                f"{error.response['Error'].get('Message', '')}",
                "wait until RDS shows it as available, then start the run again: db-migrate deploy",
            ) from error
        hint = QUOTA if code == "SnapshotQuotaExceeded" else NAMES if code in UNKNOWN else AGAIN
        raise BackupFailed(f"{what}: {said(error)}", hint) from error


class InstanceBackups(_Backups):
    """Backups of an RDS instance."""

    of, describe, answers = INSTANCE, "describe_db_instances", "DBInstances"


class ClusterBackups(_Backups):
    """Backups of an Aurora cluster."""

    of, describe, answers = CLUSTER, "describe_db_clusters", "DBClusters"
