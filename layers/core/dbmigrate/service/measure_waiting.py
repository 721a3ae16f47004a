"""Measure how long runs have waited: Step Functions reports a waiting task only when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from dbmigrate.domain.approval import Request


class Approvals(Protocol):
    """Where requests are kept."""

    def waiting(self, now: int) -> Sequence[Request]: ...


def measure_waiting(approvals: Approvals, now: int, emit: Callable[[str, float], None]) -> dict[str, int]:
    """Emit one ApprovalWaitSeconds for each request without an answer; how many there are."""
    requests = approvals.waiting(now)
    for request in requests:
        emit("ApprovalWaitSeconds", now - request.requested_at)
    return {"waiting": len(requests)}
