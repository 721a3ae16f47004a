"""Measure the server: may the plan begin there, or go on?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from dbmigrate.domain.server_load import LoadLimits, ServerLoad, refuse_busy, refuse_unfit


class Server(Protocol):
    """Where the server is looked at."""

    def look(self) -> ServerLoad: ...


def measure(plan: Mapping[str, Any], server: Server | None, limits: LoadLimits) -> dict[str, Any]:
    """What was measured, with ``status`` ready; or unknown, where the stack names no RDS database.

    Raises ServerUnfit when waiting helps nothing, ServerNotReady when it may.
    """
    if server is None:
        return {"status": "unknown"}
    load = server.look()
    refuse_unfit(load, plan.get("predicted_bytes", 0), plan.get("largest_bytes", 0))
    refuse_busy(load, limits)
    return {**asdict(load), "status": "ready"}
