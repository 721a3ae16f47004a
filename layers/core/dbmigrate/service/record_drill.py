"""Record how a drill ended, where people and the approval page find it; and measure how old the last good one
is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dbmigrate.domain.drill import parts_of, proves_the_backup
from dbmigrate.domain.shape import OPTIONAL_OBJECT, OPTIONAL_TEXT, Shape
from dbmigrate.service.drills import DrillLog

Emit = Callable[[str, float], None]
ENDED: Shape = {
    "drill": str,
    "outcome": str,
    "verdict": OPTIONAL_TEXT,
    "where": OPTIONAL_TEXT,
    "failure": OPTIONAL_OBJECT,
    "times": dict,
    "integrity": OPTIONAL_OBJECT,
}
COUNTED = ("rows", "tables")
FINE = ("DrillPassed", "DrillDiscarded")
MOST_CAUSE = 4_000


def shape_of(event: Any) -> Shape:
    """The state machine tells of an ending; a schedule asks how long ago a drill was good."""
    return {"question": str} if isinstance(event, Mapping) and "question" in event else ENDED


def record_drill(
    event: Mapping[str, Any], environment: str, log: DrillLog, now: float, emit: Emit
) -> dict[str, Any]:
    """Keep the result and say it in short: what was restored, RTO in its parts, RPO, rows, revisions.

    ``times`` are epoch milliseconds. A drill that ended before and whose copy is discarded now keeps its
    verdict.
    """
    known = log.get(event["drill"]) or {"drill": event["drill"], "environment": environment}
    outcome = event["outcome"]
    if outcome == "DrillDiscarded":
        return _discarded(known, log, now, emit)
    result = {**known, **_found(event), "outcome": outcome, "ended": now}
    log.put(event["drill"], result)
    log.point("latest", result)
    if proves_the_backup(event.get("verdict") or "", event.get("where") or ""):
        log.point("proved", {"drill": event["drill"], "ended": now})
    bundle = _bundle_of(result)
    if bundle:
        log.put_of_bundle(bundle, {**result, "bundle": bundle})
    if outcome not in FINE:
        emit("DrillFailures", 1)
    if result["rto"]:
        emit("DrillSeconds", result["rto"]["total"])
    return short(result)


def _discarded(known: dict[str, Any], log: DrillLog, now: float, emit: Emit) -> dict[str, Any]:
    """What was cut off before its end has failed; one that ended had its verdict."""
    cut_off = "outcome" not in known
    result = {**known, "discarded": now} | ({"outcome": "DrillFailed", "ended": now} if cut_off else {})
    log.put(known["drill"], result)
    if cut_off:
        log.point("latest", result)
        emit("DrillFailures", 1)
    return short(result)


def _found(event: Mapping[str, Any]) -> dict[str, Any]:
    integrity, failure = event.get("integrity") or {}, event.get("failure") or {}
    return {
        "verdict": event.get("verdict") or "",
        "where": event.get("where") or "",
        "failure": {key: str(value)[:MOST_CAUSE] for key, value in failure.items()},
        "rto": parts_of(event["times"]),
        "checks": list(integrity.get("checks", ())),
        "notes": list(integrity.get("notes", ())),
        **{key: integrity.get(key) for key in COUNTED},
    }


def _bundle_of(result: Mapping[str, Any]) -> str:
    """What was rehearsed; of a bundle that was named and never came to run nothing is known."""
    bundles = result.get("bundles") or []
    named = bundles[0] if len(bundles) == 1 and result["where"] == "upgrade" else ""
    return str((result.get("rehearsal") or {}).get("bundle") or named)


def short(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the notice and the command tell: no locks, which the record has."""
    rehearsal = result.get("rehearsal") or {}
    return {
        "drill": result["drill"],
        "outcome": result.get("outcome", ""),
        "where": result.get("where", ""),
        "backup": result.get("backup") or {},
        "rto": result.get("rto") or {},
        "rows": result.get("rows"),
        "bytes": result.get("bytes"),
        "tables": result.get("tables"),
        "bundle": rehearsal.get("bundle"),
        "revisions": [
            {key: one[key] for key in ("revision", "seconds")} for one in rehearsal.get("revisions", ())
        ][:100],
    }


def measure_drills(log: DrillLog, now: float, emit: Emit) -> dict[str, Any]:
    """Emit the seconds since a drill last proved a backup; before the first one, since somebody first
    asked."""
    proved = log.pointer("proved")
    if proved is None:
        proved = {"drill": None, "ended": now}
        log.point("proved", proved)
    age = max(0.0, now - proved["ended"])
    emit("DrillAgeSeconds", age)
    return {"drill": proved["drill"], "age_seconds": round(age)}
