"""A database of the local RDS: what is known of it, and the server behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

from dbmigrate_local.archive import Archive
from dbmigrate_local.condition import Condition
from dbmigrate_local.embedded import EmbeddedPostgres


@dataclass(eq=False)
class Instance:
    """An instance or a cluster; without a server it is only described. `reason` says why it failed.

    `lag` is how far the newest restorable moment is behind, in seconds: none here, up to 300 on RDS.
    """

    name: str
    condition: Condition
    server: EmbeddedPostgres | None = None
    archive: Archive | None = None
    cluster: Instance | None = None  # whose member it is; then the server is the cluster's
    resource_id: str = ""  # by which IAM knows it; it stays when the name changes
    reason: str = ""
    lag: float = 0.0
    needs_members: bool = False  # a restored cluster holds data, and nobody serves them yet
    ending: str = field(default="available", repr=False)

    @property
    def has_data(self) -> bool:
        return (self.cluster or self).server is not None

    @property
    def port(self) -> int | None:
        """Where it listens; None while it is made, and for one that is only described."""
        server = (self.cluster or self).server
        there = server is not None and server.running and self.condition.status != "creating"
        return server.port if server is not None and there else None
