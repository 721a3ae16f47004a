"""A drill: a backup is restored beside the database, proved, upgraded with what is pending, and deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dbmigrate.domain.effects import LOCK_MODES

DRILL = "drill"
OURS = "db-migrate-"
"""How the names of snapshots begin that our runs take."""
MOST_BUNDLES = 5
"""So many of the newest bundles are asked which of them the copy has not got yet."""
RESOLUTION = 0.02
"""Seconds between two looks at the locks of the copy: a lock that is held shorter may go unseen."""
PARTS = (
    ("restore", "began", "restored"),
    ("verify", "restored", "verified"),
    ("upgrade", "verified", "upgraded"),
)
"""What a recovery by this backup would take, part by part: its name, and the moments between which it ran."""


def run_of(drill: str) -> str:
    """The run in the ledger of the copy that its rehearsal is; the drill's own line is its mark."""
    return f"{drill}-upgrade"


@dataclass(frozen=True)
class Held:
    """A lock that a revision held on a table of the copy: the longest time at once, in seconds, and the
    statement that ran when it was first seen."""

    relation: str
    mode: str
    seconds: float
    statement: str = ""


def strongest_first(locks: Iterable[Held]) -> list[Held]:
    """One line for each table and mode, with the longest time; the mode that keeps most people out first."""
    longest: dict[tuple[str, str], Held] = {}
    for lock in locks:
        known = longest.get((lock.relation, lock.mode))
        if known is None or lock.seconds > known.seconds:
            longest[lock.relation, lock.mode] = lock
    return sorted(
        longest.values(), key=lambda lock: (-LOCK_MODES.index(lock.mode), -lock.seconds, lock.relation)
    )


def mode_of(name: str) -> str:
    """PostgreSQL's "AccessExclusiveLock" as ACCESS EXCLUSIVE."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Lock")).upper()


def rehearsed(
    known: Sequence[Mapping[str, Any]], revision: str, seconds: float, waits: int, locks: Sequence[Held]
) -> list[dict[str, Any]]:
    """The revisions measured so far with one more look at ``revision``, which may have been there in part."""
    before = next((one for one in known if one["revision"] == revision), None)
    earlier = [Held(**lock) for lock in before["locks"]] if before else []
    measured = {
        "revision": revision,
        "seconds": round(seconds, 3),
        "lock_waits": waits + (before["lock_waits"] if before else 0),
        "locks": [asdict(lock) for lock in strongest_first([*earlier, *locks])],
    }
    return [*(dict(one) for one in known if one["revision"] != revision), measured]


def parts_of(times: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each part that the drill came through, and of them all; ``times`` are epoch milliseconds."""
    found = {
        name: round((times[end] - times[start]) / 1000, 3)
        for name, start, end in PARTS
        if start in times and end in times
    }
    return {**found, "total": round(sum(found.values()), 3)} if found else {}


def proves_the_backup(verdict: str, where: str) -> bool:
    """Whether the backup was restored and found whole: a bundle that fails on its rows says nothing against
    it."""
    return verdict == "DrillPassed" or where == "upgrade"
