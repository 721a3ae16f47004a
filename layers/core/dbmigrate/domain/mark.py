"""The mark of a run, and what the server's counters prove about the time since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Counters:
    """What the server has counted. ``counting`` says whether ("on") and since when; ``tables`` maps a table
    to its file, the rows inserted, updated and deleted, and the estimate of its rows. A truncated or
    rewritten table has another file; a crash begins the counting anew."""

    counting: str
    tables: Mapping[str, list[int]] = field(default_factory=dict)

    def unwritten_since(self, mark: Counters) -> set[str]:
        """The tables that nobody wrote between the mark and now, as far as the counters can prove it."""
        if mark.counting != self.counting or not self.counting.startswith("on "):
            return set()
        return {
            name
            for name, seen in mark.tables.items()
            if self.tables.get(name, [])[:4] == seen[:4] and seen[0]
        }


@dataclass(frozen=True)
class Mark:
    """The mark of a run. ``at`` is a moment in ISO 8601."""

    run: str
    at: str
    counters: Counters
