"""What RDS needs to restore a database to a moment, checked before anything is upgraded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dbmigrate.domain.errors import BackupFailed
from dbmigrate.domain.words import duration, moment, timestamp

MOST_BEHIND = 15 * 60
"""Seconds that the last restorable moment may lie back. RDS archives the log every five minutes."""


@dataclass(frozen=True)
class RestoreWindow:
    """The moments to which RDS can restore a database, as it says itself.

    ``kind`` is instance or cluster, ``days`` how long the log is kept (0: not at all), ``latest`` the last
    restorable moment in epoch seconds; None when RDS names none.
    """

    database: str
    kind: str
    days: int
    latest: float | None

    def gap(self, now: float) -> str:
        """Why no moment of today could be restored, as a sentence; "" when one could."""
        if not self.days:
            return f"{self.database} keeps no automated backups (its BackupRetentionPeriod is 0)."
        if self.latest is None:
            return f"RDS names no moment yet to which it could restore {self.database}."
        if now - self.latest > MOST_BEHIND:
            return (
                f"RDS could restore {self.database} only to {moment(self.latest)}, "
                f"{duration(now - self.latest)} ago; an archive that works lies {duration(MOST_BEHIND)} back "
                "at most."
            )
        return ""

    @property
    def advice(self) -> str:
        """What closes the gap."""
        if not self.days:
            return (
                f"aws rds modify-db-{self.kind} --db-{self.kind}-identifier {self.database} "
                "--backup-retention-period 7 --apply-immediately (RDS restarts an instance for that)"
            )
        return (
            f"see why: aws rds describe-events --source-type db-{self.kind} "
            f"--source-identifier {self.database} --duration 1440"
        )


def checked_window(window: RestoreWindow, wish: str, environment: str, now: float) -> dict[str, Any]:
    """What the run carries along about its way to any moment.

    ``wish`` is the stack's PointInTime: without such a way, ``required`` raises BackupFailed, ``optional``
    goes on with the reason as ``gap``.
    """
    gap = window.gap(now)
    if gap and wish == "required":
        raise BackupFailed(
            f"{gap} Nothing could go back to just before the upgrade, so nothing is upgraded.",
            f"{window.advice}, then db-migrate --environment {environment} deploy. To make do with the "
            "snapshot alone, deploy the stack with PointInTime=optional",
        )
    until = timestamp(window.latest) if window.latest is not None else None
    return {"days": window.days, "until": until, "gap": gap or None}
