"""How far a revision may go when it is rehearsed."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Bounds:
    """``seconds`` for each way of each revision, ``memory`` in bytes for all its processes together beyond
    what a rehearsal needs itself, ``processes`` at a time."""

    seconds: float = 60.0
    memory: int = 2048 * MIB
    processes: int = 64
