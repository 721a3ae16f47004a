"""Snapshots of an RDS instance or an Aurora cluster: the same three calls under two sets of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from botocore.exceptions import ClientError

from dbmigrate.domain.backup import Snapshot
from dbmigrate.domain.errors import BackupFailed, DatabaseBusy

BUSY = {"InvalidDBInstanceState", "InvalidDBInstanceStateFault", "InvalidDBClusterStateFault"}
EXISTS = {"DBSnapshotAlreadyExists", "DBClusterSnapshotAlreadyExistsFault"}
AGAIN = "look at the database in RDS, then start the run again: db-migrate deploy"
# Our snapshots are manual ones: RDS keeps them until somebody deletes them, by default 100 a Region.
HINTS = {"SnapshotQuotaExceeded": "delete db-migrate-… snapshots that nobody needs, or raise the quota"}


class _Backups:
    """What both kinds share: which call, and under which names its parts go."""

    kind: str
    create: str
    describe: str
    source: str
    snapshot_id: str
    answers: str

    def __init__(self, client: Any, database: str) -> None:
        self._client, self.database = client, database

    def start(self, snapshot: str, tags: Mapping[str, str]) -> None:
        """Start a snapshot, or join the one of this name. Raises BackupFailed."""
        names = {self.snapshot_id: snapshot, self.source: self.database}
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        try:
            getattr(self._client, self.create)(**names, Tags=listed)
        except ClientError as error:
            if error.response["Error"]["Code"] not in EXISTS:
                self._fail(snapshot, error)

    def look(self, snapshot: str) -> Snapshot:
        """The snapshot as RDS sees it now. Raises BackupFailed when it is gone or RDS does not answer."""
        try:
            answer = getattr(self._client, self.describe)(**{self.snapshot_id: snapshot})
            found = answer[self.answers]
        except ClientError as error:
            self._fail(snapshot, error)
        if not found:
            raise BackupFailed(f"Snapshot {snapshot} of {self.database} is gone.", "start the run again")
        tags = {tag["Key"]: tag["Value"] for tag in found[0].get("TagList", [])}
        return Snapshot(snapshot, found[0]["Status"], int(found[0].get("PercentProgress") or 0), tags)

    def _fail(self, snapshot: str, error: ClientError) -> NoReturn:
        code, said = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code in BUSY:
            raise DatabaseBusy(
                f"{self.database} cannot be backed up now, a backup or change of it is under way: {said}",
                "wait until RDS shows it as available, then start the run again: db-migrate deploy",
            ) from error
        raise BackupFailed(
            f"Snapshot {snapshot} of {self.database}: RDS answers {code}: {said}", HINTS.get(code, AGAIN)
        ) from error


class InstanceBackups(_Backups):
    """Snapshots of an RDS instance."""

    kind = "instance"
    create, describe = "create_db_snapshot", "describe_db_snapshots"
    source, snapshot_id, answers = "DBInstanceIdentifier", "DBSnapshotIdentifier", "DBSnapshots"


class ClusterBackups(_Backups):
    """Snapshots of an Aurora cluster."""

    kind = "cluster"
    create, describe = "create_db_cluster_snapshot", "describe_db_cluster_snapshots"
    source, snapshot_id, answers = "DBClusterIdentifier", "DBClusterSnapshotIdentifier", "DBClusterSnapshots"
