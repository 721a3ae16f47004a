"""How long the parts of a recovery took: its RTO, from when the application was shut out to when it may come
in again."""

from __future__ import annotations

from collections.abc import Mapping

PARTS = {
    "fenced": "shut the application out",
    "restored": "restore",
    "verified": "verify the copy",
    "compared": "compare it with the old instance",
    "approved": "approval",
    "swapped": "swap",
    "opened": "let the application in",
}
"""The moments that end a part, in their order, and what the part is called."""


def parts_of(times: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each part that has ended, by the moment that ended it. ``times`` are epoch milliseconds of
    "began" and of the keys of PARTS; a moment that is missing belongs to the part after it."""
    found, last = {}, times.get("began")
    for moment in PARTS:
        if moment in times:
            if last is not None:
                found[moment] = round(max(0.0, times[moment] - last) / 1000, 3)
            last = times[moment]
    return found


def total_of(times: Mapping[str, float]) -> float | None:
    """Seconds from the beginning to the last moment; None when nothing has ended yet."""
    parts = parts_of(times)
    return round(sum(parts.values()), 3) if parts else None
