"""Ranges, buckets and bytes as reports say them."""

from __future__ import annotations

import pytest

from dbmigrate.domain.words import bucket, size, span


@pytest.mark.parametrize(
    ("high", "word"),
    [
        (0, "under 0.1 s"),
        (0.1, "under a second"),
        (1, "seconds"),
        (59.9, "seconds"),
        (60, "minutes"),
        (3600, "hours"),
        (1e9, "hours"),
        (None, "unknown, no size"),
    ],
)
def test_buckets(high: float | None, word: str) -> None:
    assert bucket(high) == word


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0, 0.05, "under 0.1 s"),
        (0.04, 0.24, "0 to 0.2 s"),
        (2, 12.4, "2 to 12 s"),
        (2.04, 2.04, "2 s"),
        (20, 119, "20 to 119 s"),
        (20, 120, "0.3 to 2 min"),
        (1200, 7199, "20 to 120 min"),
        (1800, 7200, "0.5 to 2 h"),
        (None, None, "unknown, no size"),
        (0.02, None, "unknown, no size"),
        (30, None, "at least 30 s"),
        (7200, None, "at least 2 h"),
    ],
)
def test_spans(low: float | None, high: float | None, text: str) -> None:
    assert span(low, high) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (8192, "8 kB"), (42e9, "42 GB"), (999.9e9, "1000 GB"), (1.5e12, "1.5 TB")],
)
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text
