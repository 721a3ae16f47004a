"""The second home of a backup: its copy under another key or in another Region, and who else has it."""

from __future__ import annotations

from dataclasses import dataclass

from dbmigrate.adapters.snapshots import Snapshots
from dbmigrate.domain.backup import Snapshot, copy_id
from dbmigrate.domain.errors import BackupFailed

DEPLOY = "deploy the stack, then start the run again: db-migrate deploy"


@dataclass(frozen=True)
class BackupCopies:
    """``here`` has the originals; ``there`` is None where nothing is copied, ``account`` "" where nothing is
    shared."""

    here: Snapshots
    there: Snapshots | None = None
    key: str = ""
    account: str = ""

    def find(self, original: Snapshot) -> Snapshot | None:
        """The copy of a snapshot, if it was begun. Raises BackupUnseen."""
        return self.there.find(copy_id(original.id)) if self.there else None

    def begin(self, original: Snapshot) -> Snapshot:
        """Begin the copy, or join it. Raises BackupFailed."""
        assert self.there is not None
        name = copy_id(original.id)
        try:
            self.there.copy(original, name, self.key, self.here.region)
        except BackupFailed as error:
            raise BackupFailed(
                f"Snapshot {original.id} cannot be copied to {self.there.region}: {error.message}",
                f"see that check_backup's role may use {self.key}, by the key's policy too (a cluster that "
                f"is not encrypted cannot be copied under a key); or empty BackupCopyRegion, {DEPLOY}",
            ) from error
        return Snapshot(name, "creating", 0, original.tags)

    def share(self, snapshot: Snapshot) -> None:
        """Let the other account restore a snapshot. Raises BackupFailed."""
        where = self.there or self.here
        try:
            where.share(snapshot.id, self.account)
        except BackupFailed as error:
            raise BackupFailed(
                f"Snapshot {snapshot.id} cannot be shared with account {self.account}: {error.message} "
                f"(its key: {snapshot.key or 'none'}).",
                "what the key aws/rds encrypts can be shared with nobody: set BackupCopyRegion (this Region "
                f"will do) and BackupCopyKeyArn to a key of your own that {self.account} may use; or empty "
                f"BackupShareAccount; {DEPLOY}",
            ) from error

    @property
    def region(self) -> str:
        """Where the copies lie; "" where nothing is copied."""
        return self.there.region if self.there else ""
