"""How far work is that takes longer than one step: a backfill, an index build, a safe operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """Where one operation of one revision is.

    ``step`` is what it does now, the ``number``-th ``of`` so many. ``percent``, the rows and ``seconds_left``
    are those of this step, None when nobody knows. ``detail`` is PostgreSQL's own name of a phase, or what
    is waited for.
    """

    revision: str
    operation: str
    table: str
    step: str
    number: int = 1
    of: int = 1
    rows_done: int | None = None
    rows_total: int | None = None
    percent: float | None = None
    seconds_left: float | None = None
    detail: str = ""
    paused: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Progress:
        return cls(**{key: given[key] for key in cls.__dataclass_fields__ if key in given})
