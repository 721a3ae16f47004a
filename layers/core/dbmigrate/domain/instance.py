"""An RDS instance or an Aurora cluster as a recovery sees it, and the names that a recovery gives."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dbmigrate.domain.errors import RecoveryRefused

IDENTIFIERS = {"DBInstanceIdentifier", "DBClusterIdentifier"}
TAG = "recovery"
"""The tag that tells what a recovery has made; nothing without it is ever deleted."""
MOST_NAME = 63  # characters of an identifier of RDS
# From these an instance does not come back by itself.
LOST = {
    "failed", "restore-error", "incompatible-network", "incompatible-option-group", "incompatible-restore",
    "incompatible-parameters", "incompatible-create", "inaccessible-encryption-credentials", "storage-full",
    "insufficient-capacity", "deleting", "deleted",
}  # fmt: skip
WORKS = {"available", "backing-up", "configuring-enhanced-monitoring", "configuring-log-exports",
         "storage-optimization", "configuring-iam-database-auth"}  # fmt: skip
"""Statuses in which an instance answers and nothing is about to restart it."""


@dataclass(frozen=True)
class Instance:
    """An instance or a cluster as RDS describes it.

    ``retention`` is for how many days RDS keeps what a moment is restored from; ``pending`` names what RDS is
    about to change.
    """

    name: str
    status: str
    resource_id: str = ""
    host: str = ""
    port: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    retention: int = 0
    pending: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """One of the words of the state machine: creating, available, failed."""
        if self.status in WORKS:
            return "available"
        return "failed" if self.status in LOST else "creating"

    @property
    def renames(self) -> bool:
        """Whether it is on its way to another name."""
        return self.status == "renaming" or not IDENTIFIERS.isdisjoint(self.pending)

    def made_by(self, recovery: str) -> bool:
        """Whether it bears the tag of this recovery."""
        return self.tags.get(TAG) == recovery


@dataclass(frozen=True)
class Copy:
    """A snapshot that could be restored: of which database it says to be, and since when it is there."""

    id: str
    status: str
    source: str
    taken: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)


def names(database: str, recovery: str, mark: str = "r") -> tuple[str, str]:
    """The identifiers of the copy and of the kept old instance. Raises RecoveryRefused where RDS takes none.
    ``mark`` parts the copies of recoveries from those of drills, which are "d".

    They carry the moment of the recovery, where its id has one and there is room, else a digest of it.
    """
    dated = re.search(r"(\d{8}-\d{6})$", recovery)
    short = hashlib.sha256(recovery.encode()).hexdigest()[:8]
    for word in (dated[1] if dated else short, short):
        restored, kept = f"{database}-{mark}-{word}", f"{database}-before-{word}"
        if len(kept) <= MOST_NAME:
            return restored, kept
    raise RecoveryRefused(
        f"{database} is too long a name: the old instance could not be kept beside the new one.",
        f"rename it in RDS to at most {MOST_NAME - len(f'-before-{short}')} characters",
    )
