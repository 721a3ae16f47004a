"""Snapshots in one Region, of instances or of clusters: the same calls under two sets of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from dbmigrate.domain.backup import Snapshot
from dbmigrate.domain.errors import BackupFailed, BackupUnseen

GONE = {"DBSnapshotNotFound", "DBSnapshotNotFoundFault", "DBClusterSnapshotNotFoundFault"}
EXISTS = {"DBSnapshotAlreadyExists", "DBClusterSnapshotAlreadyExistsFault"}


@dataclass(frozen=True)
class Kind:
    """How boto3 names the parts: the kind of database, its snapshots in calls and in parameters."""

    word: str
    calls: str
    snapshot: str
    database: str


INSTANCE = Kind("instance", "db_snapshot", "DBSnapshot", "DBInstanceIdentifier")
CLUSTER = Kind("cluster", "db_cluster_snapshot", "DBClusterSnapshot", "DBClusterIdentifier")


class Snapshots:
    """What lies in the client's Region."""

    def __init__(self, client: Any, kind: Kind) -> None:
        self._client, self._kind = client, kind

    @property
    def region(self) -> str:
        return str(self._client.meta.region_name)

    def find(self, snapshot: str) -> Snapshot | None:
        """The snapshot as RDS sees it now; None when there is none. Raises BackupUnseen."""
        try:
            found = self._describe(**{self._id: snapshot})[self._kind.snapshot + "s"]
        except ClientError as error:
            if code_of(error) in GONE:
                return None
            raise BackupUnseen(
                f"RDS in {self.region} does not say how snapshot {snapshot} is: {said(error)}",
                "look at the function's role and at RDS, then start the run again: db-migrate deploy",
            ) from error
        return self._read(found[0]) if found else None

    def all(self) -> list[Snapshot]:
        """Every manual snapshot of the Region, whoever made it."""
        describe = self._client.get_paginator(f"describe_{self._kind.calls}s")
        pages = describe.paginate(SnapshotType="manual")
        return [self._read(found) for page in pages for found in page[self._kind.snapshot + "s"]]

    def delete(self, snapshot: str) -> None:
        """Delete a snapshot; one that is gone is none to delete. Raises BackupFailed with RDS's own words."""
        try:
            getattr(self._client, f"delete_{self._kind.calls}")(**{self._id: snapshot})
        except ClientError as error:
            if code_of(error) not in GONE:
                raise BackupFailed(said(error)) from error

    def copy(self, original: Snapshot, name: str, key: str, origin: str) -> None:
        """Begin a copy here of a snapshot in the Region ``origin``, with its tags, encrypted by ``key``; or
        join the one of this name. Raises BackupFailed with RDS's own words."""
        names = {
            f"Source{self._kind.snapshot}Identifier": original.arn,
            f"Target{self._kind.snapshot}Identifier": name,
        }
        # boto3 signs a request to the other Region for SourceRegion, which RDS refuses in the same one.
        elsewhere = {"SourceRegion": origin} if origin != self.region else {}
        try:
            getattr(self._client, f"copy_{self._kind.calls}")(
                **names, **elsewhere, KmsKeyId=key, Tags=tag_list(original.tags)
            )
        except ClientError as error:
            if code_of(error) not in EXISTS:
                raise BackupFailed(said(error)) from error

    def share(self, snapshot: str, account: str) -> None:
        """Let another account restore a snapshot; twice is once. Raises BackupFailed with RDS's own words."""
        names = {self._id: snapshot, "AttributeName": "restore", "ValuesToAdd": [account]}
        try:
            getattr(self._client, f"modify_{self._kind.calls}_attribute")(**names)
        except ClientError as error:
            raise BackupFailed(said(error)) from error

    @property
    def _id(self) -> str:
        return self._kind.snapshot + "Identifier"

    def _describe(self, **names: str) -> Any:
        return getattr(self._client, f"describe_{self._kind.calls}s")(**names)

    def _read(self, found: Mapping[str, Any]) -> Snapshot:
        created = found.get("SnapshotCreateTime")
        return Snapshot(
            found[self._id],
            found["Status"],
            int(found.get("PercentProgress") or 0),
            {tag["Key"]: tag["Value"] for tag in found.get("TagList", [])},
            arn=found.get(self._kind.snapshot + "Arn", ""),
            key=found.get("KmsKeyId") or "",
            created=created.timestamp() if created else 0.0,
        )


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as RDS takes them; those of AWS itself cannot be given."""
    return [{"Key": key, "Value": value} for key, value in tags.items() if not key.startswith("aws:")]


def code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def said(error: ClientError) -> str:
    """What RDS answered, in its own words."""
    return f"RDS answers {code_of(error)}: {error.response['Error'].get('Message', '')}"
