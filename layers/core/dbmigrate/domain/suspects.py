"""Which change is to blame: the runs whose revisions still stand, with the alarms that went off since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

BROKE = {"NeedsManualRollback", "RollbackFailed", "Unfinished", "Stopped", "FAILED", "TIMED_OUT", "ABORTED"}


@dataclass(frozen=True)
class Raised:
    """An alarm of the application went off: when and until when (epoch seconds; None: it is on), and why."""

    name: str
    since: float
    reason: str = ""
    until: float | None = None


@dataclass(frozen=True)
class Suspect:
    """A run of the ledger. ``revisions`` are those of it that still stand, oldest first; ``alarms`` went off
    after it began and before the next run did."""

    run: Mapping[str, Any]
    revisions: tuple[str, ...]
    alarms: tuple[Raised, ...] = ()

    @property
    def name(self) -> str:
        return str(self.run["run"])

    @property
    def began(self) -> float:
        """Epoch seconds of its first step."""
        return datetime.fromisoformat(self.run["started_at"]).timestamp()

    @property
    def broke(self) -> bool:
        """Whether it ended, or stands, between two states of the schema."""
        return self.run["outcome"] in BROKE

    def to_json(self) -> dict[str, Any]:
        """What a program gets of it."""
        alarms = [asdict(alarm) for alarm in self.alarms]
        return {**self.run, "revisions": list(self.revisions), "alarms": alarms}


def suspects(runs: Sequence[Mapping[str, Any]], alarms: Sequence[Raised]) -> list[Suspect]:
    """The runs that left something standing, newest first, each alarm with the newest that began before it.
    ``runs`` are the ledger's, newest first."""
    standing = _standing(runs)
    found = [Suspect(run, tuple(standing[run["run"]])) for run in runs if standing.get(run["run"])]
    for alarm in sorted(alarms, key=lambda alarm: alarm.since):
        for place, suspect in enumerate(found):
            if suspect.began <= alarm.since:
                found[place] = replace(suspect, alarms=(*suspect.alarms, alarm))
                break
    return found


def prime_suspect(found: Sequence[Suspect]) -> Suspect | None:
    """The newest that broke or that an alarm followed which is on; else the newest that any followed."""
    first = (each for each in found if each.broke or any(alarm.until is None for alarm in each.alarms))
    return next(first, None) or next((each for each in found if each.alarms), None)


def _standing(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Revisions by the run that applied them last. Each of the ledger's lines turns its revision over."""
    by: dict[str, str] = {}
    for run in reversed(runs):
        for revision in run["revisions"]:
            if by.pop(revision, None) is None and (run["direction"] == "upgrade"):
                by[revision] = run["run"]
    found: dict[str, list[str]] = {}
    for revision, run in by.items():
        found.setdefault(run, []).append(revision)
    return found
