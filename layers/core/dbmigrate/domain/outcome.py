"""How one kind of ending reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How one kind of ending reads. ``next`` is a command or an advice; {run} and {environment} are filled
    in. ``critical`` means that somebody must look now, at whatever hour."""

    title: str
    meaning: str
    next: str = ""
    failed: bool = True
    critical: bool = False

    @property
    def severity(self) -> str:
        """info, warning or critical."""
        return "critical" if self.critical else "warning" if self.failed else "info"
