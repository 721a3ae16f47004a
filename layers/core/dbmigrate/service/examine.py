"""Examine: what the state machine asks about a restored copy, verify or compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbmigrate.domain.errors import BadRequest
from dbmigrate.service.compare_copy import compare_copy
from dbmigrate.service.ports import Bundles, Instance, Notebook, RecoveryLog
from dbmigrate.service.verify_copy import verify_copy


@dataclass(frozen=True)
class Ports:
    """Everything that an examination touches. ``now`` is epoch seconds."""

    copy: Instance
    old: Instance
    notebook: Notebook
    log: RecoveryLog
    bundles: Bundles
    now: float


def examine(event: Mapping[str, Any], ports: Ports, until: float, budget: float) -> dict[str, Any]:
    """Answer the question until a moment of time.monotonic; ``budget`` bounds all slices of either, in
    seconds. Raises BadRequest for another question, and what the two raise."""
    given = (event["recovery"], event["plan"], event.get("cursor"), ports.copy, ports.old, ports.notebook)
    if event["question"] == "verify":
        return verify_copy(*given, ports.log, until, budget, ports.now)
    if event["question"] == "compare":
        return compare_copy(*given, ports.log, ports.bundles, until, budget, ports.now)
    raise BadRequest(f"'{event['question']}' is nothing that can be examined: verify, compare.")
