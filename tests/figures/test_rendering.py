"""Figures on their page, and the plot."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from benchmarks.plot import plot
from benchmarks.render import PAGE, TABLES, put

SVG = "{http://www.w3.org/2000/svg}"
ONE = {"worst_stall_ms": 1234.5, "p99_ms": 7.25, "over_1s": 3, "failed": 0, "requests": 4000, "seconds": 9.0}
TRAFFIC: dict[str, Any] = {
    "quiet": ONE,
    "alembic": ONE,
    "series": {"alembic": []},
    "times_better": {"alembic": 31.5},
    "lock_budget_ms": 100,
    "rows": 1000,
    "machine": {"cores": 2, "python": "3.11", "load": 0.1},
}


def test_a_row_of_the_traffic_says_the_stall_and_how_many_times_ours_it_is() -> None:
    lines = list(TABLES["traffic"](TRAFFIC))
    assert "| alembic | 1,234 ms | 7.2 ms | 3 | 0 | 4,000 | 9.0 | 31.5 |" in lines


def test_figures_take_the_place_of_the_ones_before_and_of_nothing_else() -> None:
    page = "a\n<!-- traffic -->\nold\n<!-- end of traffic -->\nb\n"
    assert put(page, "traffic", "new") == page.replace("old", "new")
    with pytest.raises(ValueError, match="no place for backfill"):
        put(page, "backfill", "new")


@pytest.mark.parametrize("name", TABLES)
def test_the_page_has_a_place_for_each(name: str) -> None:
    assert "here\n" in put(PAGE.read_text(), name, "here")


def test_a_longer_wait_is_drawn_higher_and_no_line_leaves_the_picture() -> None:
    drawing = ElementTree.fromstring(
        plot("Title", {"ours": [(0, 1), (9, 90)], "theirs": [(0, 5), (9, 8000)]}, 150)
    )
    ours, theirs = (line.get("points", "").split() for line in drawing.iter(f"{SVG}polyline"))
    ends = [tuple(map(float, line[-1].split(","))) for line in (ours, theirs)]
    assert ends[0][1] > ends[1][1] >= 0
    assert {text.text for text in drawing.iter(f"{SVG}text")} >= {
        "Title",
        "ours",
        "theirs",
        "150 ms",
        "10000 ms",
    }
