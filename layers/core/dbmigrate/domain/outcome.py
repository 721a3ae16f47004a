"""How one kind of ending reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How one kind of ending reads. ``next`` is a command or an advice; {run} and {environment} are filled
    in."""

    title: str
    meaning: str
    next: str = ""
    failed: bool = True
