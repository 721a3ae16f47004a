"""Tell how long work advances: no invocation remembers, so each answer carries what the next compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Emit = Callable[[str, float], None]
STEP = ("revision", "operation", "table", "step", "number")
MEASURED = ("rows_done", "percent", "detail")


def advance(before: Mapping[str, Any], answer: Mapping[str, Any], now: float, emit: Emit) -> dict[str, Any]:
    """The answer of a step that goes on, with when it began, last moved and was last seen; emits its metrics.

    ``before`` is the answer before it. Times are epoch seconds. An answer without work stays as it is.
    """
    if answer.get("status") != "working":
        return dict(answer)
    work, earlier = answer["work"], before.get("work") or {}
    same = "seen_at" in before and _part(work, STEP) == _part(earlier, STEP)
    still = same and _is_measured(work) and _part(work, MEASURED) == _part(earlier, MEASURED)
    began = before["began_at"] if same else now
    moved = before["advanced_at"] if still and not work.get("paused") else now
    emit("StatementSeconds", now - began)
    emit("WorkStillSeconds", now - moved)
    if work.get("percent") is not None:
        emit("WorkPercent", work["percent"])
    rows, rows_before = work.get("rows_done"), earlier.get("rows_done")
    if same and rows is not None and rows_before is not None and now > before["seen_at"]:
        emit("WorkRowsPerSecond", (rows - rows_before) / (now - before["seen_at"]))
    return {**answer, "began_at": began, "advanced_at": moved, "seen_at": now}


def held_up(progress: Mapping[str, Any], now: float, emit: Emit) -> None:
    """Emit that the server keeps work waiting, and for how long that has not moved."""
    emit("ServerNotReady", 1)
    if progress.get("status") == "working" and "advanced_at" in progress:
        emit("WorkStillSeconds", now - progress["advanced_at"])


def _part(work: Mapping[str, Any], keys: tuple[str, ...]) -> list[Any]:
    return [work.get(key) for key in keys]


def _is_measured(work: Mapping[str, Any]) -> bool:
    """Whether standing still could be seen: PostgreSQL tells nothing of a validation until it is done."""
    return work.get("rows_done") is not None or work.get("percent") is not None
