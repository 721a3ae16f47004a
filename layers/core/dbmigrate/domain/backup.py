"""Names, tags and states of a run's backups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbmigrate.domain.errors import Misconfigured

MOST_TAG_CHARACTERS = 256
ENDED = {"failed", "deleting", "deleted"}
RDS_HOST = re.compile(r"([^.]+)\.([^.]+)\.[^.]+\.rds\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as RDS describes it."""

    id: str
    status: str
    percent: int
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """One of the three words that the state machine knows: creating, available, failed."""
        if self.status == "available":
            return "available"
        return "failed" if self.status in ENDED else "creating"


def refuse_other_database(host: str, kind: str, database: str) -> None:
    """Raise Misconfigured when RDS's own endpoint name shows that the snapshots would be of another database
    than the one that is migrated: such a backup is none."""
    named = RDS_HOST.fullmatch(host.lower())
    if named is None or (kind == "cluster" and not named[2].startswith("cluster-")):
        return  # no endpoint of RDS; or an instance of a cluster, whose name says nothing of the cluster's
    if named[1] != database.lower():
        raise Misconfigured(
            f"The runs migrate {host}, but the backups would be of {kind} {database}.",
            f"set Database{kind.title()} and DatabaseHost in samconfig.toml to one database",
        )


def snapshot_id(run: str, previous: Mapping[str, Any]) -> str:
    """The same name for a retry, the next number when the run's previous backup grew too old.

    RDS allows letters, digits and single hyphens.
    """
    stem = "db-migrate-" + re.sub(r"[^A-Za-z0-9]+", "-", run).strip("-")
    before = re.fullmatch(re.escape(stem) + r"-(\d+)", str(previous.get("id", "")))
    return f"{stem}-{int(before[1]) + 1 if before else 1}"


def snapshot_tags(run: str, plan: Mapping[str, Any]) -> dict[str, str]:
    """What finds the snapshot again years later: run, environment, revisions and bundle."""
    return {
        "run": tag_value(run),
        "environment": tag_value(plan["environment"]),
        "revisions": revisions_value(plan["pending"]),
        "bundle": tag_value(plan["bundle"]),
    }


def revisions_value(revisions: Sequence[str]) -> str:
    """All revisions where they fit into a tag, else the first, the last and how many."""
    everything = tag_value(" ".join(revisions), most=10_000)
    if len(everything) <= MOST_TAG_CHARACTERS:
        return everything
    return tag_value(f"{revisions[0]} to {revisions[-1]} = {len(revisions)} revisions")


def tag_value(text: str, most: int = MOST_TAG_CHARACTERS) -> str:
    """The text with only the characters that RDS allows in tags."""
    return re.sub(r"[^\w\s.:/=+\-@]", "_", text)[:most]
