"""Requests that were measured, and what is said of many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """One request: when it was due (Unix time), its latency in ms from then on, and its error or ""."""

    due: float
    ms: float
    error: str = ""


def between(samples: Sequence[Sample], begin: float, end: float) -> list[Sample]:
    """Those that were due in a stretch of time."""
    return [sample for sample in samples if begin <= sample.due < end]


def percentile(samples: Sequence[Sample], share: float) -> float:
    """The latency that ``share`` of the requests keep."""
    latencies = sorted(sample.ms for sample in samples)
    return latencies[min(len(latencies) - 1, int(share * len(latencies)))] if latencies else 0.0


def told(samples: Sequence[Sample]) -> dict[str, Any]:
    """What a reader wants to know. ``errors`` holds the most frequent ones with their number."""
    errors = Counter(sample.error for sample in samples if sample.error)
    return {
        "worst_stall_ms": round(max((sample.ms for sample in samples), default=0.0), 1),
        "p99_ms": round(percentile(samples, 0.99), 1),
        "p50_ms": round(percentile(samples, 0.5), 2),
        "over_1s": sum(sample.ms > 1000 for sample in samples),
        "failed": sum(errors.values()),
        "requests": len(samples),
        "errors": dict(errors.most_common(3)),
    }
