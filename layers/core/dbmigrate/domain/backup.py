"""Names, tags and states of a run's backups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbmigrate.domain.errors import Misconfigured

MOST_TAG_CHARACTERS = 256
ENDED = {"failed", "deleting", "deleted"}
OURS = ("db-migrate", "backup")
"""The tag without which nothing of ours touches a snapshot that exists."""
KEEP = "keep"
"""The tag, with any value, with which people keep a snapshot for good."""
NOTE = "note"
"""The tag whose value approvers read beside the backup."""
COPY = "-copy"
"""How the name of a copy ends."""
RDS_HOST = re.compile(r"([^.]+)\.([^.]+)\.[^.]+\.rds\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as RDS describes it. ``created`` is epoch seconds, 0 while RDS has not said; ``key`` is the
    ARN of the KMS key that encrypts it, "" where nothing does."""

    id: str
    status: str
    percent: int
    tags: Mapping[str, str] = field(default_factory=dict)
    arn: str = ""
    key: str = ""
    created: float = 0.0

    @property
    def state(self) -> str:
        """One of three words: creating, available, failed. A word that we do not know is not the end yet."""
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


def copy_id(snapshot: str) -> str:
    """The name of a snapshot's copy: not the same one, because it may lie in the same Region."""
    return snapshot + COPY


def refuse_key_elsewhere(key: str, region: str) -> None:
    """Raise Misconfigured unless the key of the copies lies where they do."""
    if key.split(":")[3:4] != [region]:
        raise Misconfigured(
            f"Copies of backups go to {region}, but their key {key or '(none)'} is none of that Region.",
            f"set BackupCopyKeyArn in samconfig.toml to a KMS key in {region} and deploy the stack again",
        )


def own_tags(environment: str, region: str) -> dict[str, str]:
    """What tells the backups of one stack, their copies in other Regions included, from everybody else's."""
    ours, backup = OURS
    return {ours: backup, "environment": tag_value(environment), "region": tag_value(region)}


def snapshot_tags(run: str, plan: Mapping[str, Any], region: str) -> dict[str, str]:
    """What finds the snapshot again years later; ``region`` is the stack's."""
    return own_tags(plan["environment"], region) | {
        "run": tag_value(run),
        "revisions": revisions_value(plan["pending"]),
        "bundle": tag_value(plan["bundle"]),
        "plan": tag_value(plan["digest"]),
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
