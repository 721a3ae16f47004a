"""Which safe operation runs just now, for those who watch the statements."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class UnderWay:
    """``step`` is the title of the operation's step; "" between two of them."""

    operation: str
    table: str
    step: str = ""


under_way: ContextVar[UnderWay | None] = ContextVar("under_way", default=None)
