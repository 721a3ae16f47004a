"""Where a database stands: what validation and status look at, seen in one session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.costs import Model
from dbmigrate.domain.sizes import Size
from dbmigrate.domain.unfinished import Unfinished

DIRECT = "direct"
"""What stands for the bundle of a run that a person's own command makes, without a state machine."""


@dataclass(frozen=True)
class Standing:
    """``applied`` is the ledger's word: revision -> (source digest, run). ``kept`` is the revision and the
    catalog that our last run left. ``runs`` are newest first. ``time_zone`` is that of a session which logs
    in as the migrating role does, whatever set it: server, role or database; None when nobody asked.
    ``model`` foretells how fast the server is; ``free_bytes`` is its free storage, None when nobody knows.
    ``own_roles`` are the database's owner and the role that is connected. ``unfinished`` is what a revision
    that is not recorded yet has begun, oldest first."""

    current: tuple[str, ...]
    catalog: Catalog
    kept: tuple[str, Catalog] | None
    applied: Mapping[str, tuple[str, str]]
    runs: Sequence[dict[str, Any]]
    sizes: Mapping[str, Size]
    invalid_indexes: Sequence[str]
    server_major: int
    server: str
    time_zone: str | None = None
    model: Model = field(default_factory=Model)
    free_bytes: int | None = None
    own_roles: tuple[str, ...] = ()
    unfinished: Sequence[Unfinished] = ()
    fence: Mapping[str, Any] | None = None

    @property
    def open_run(self) -> dict[str, Any] | None:
        """The run that holds the lease."""
        return next((run for run in self.runs if run["ended_at"] is None), None)

    def applied_by(self, run: str) -> list[str]:
        """What this run applied and what still stands, newest first: the order of a rollback."""
        return [revision for revision, (_, by) in reversed(list(self.applied.items())) if by == run]


def label(revisions: Sequence[str]) -> str:
    """How a set of current revisions is written: one id, ids joined by commas, or "base"."""
    return ",".join(sorted(revisions)) or "base"


def from_label(text: str) -> tuple[str, ...]:
    """The opposite of label."""
    return () if text in ("", "base") else tuple(text.split(","))
