"""Which tests go to one worker together, and in which order: whatever takes long comes first, or one worker
works alone at the end."""

from __future__ import annotations

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

LONG = (
    "tests/kills/",
    "tests/pipeline/",
    "tests/traffic/test_suite.py",
    "tests/cli/test_staging_here.py",
    "tests/cli/test_half_way.py",
    "tests/cli/test_demo_recovery.py",
    "tests/operations/test_constraints.py",
    "tests/operations/test_re",
    "tests/rules/test_cases.py",
    "tests/browser/",
    "tests/cli/",
    "tests/longer/",
    "tests/operations/",
)
"""By the beginning of their address, the longest first."""
APART = re.compile(
    r"tests/kills/test_kills\.py.*"  # each takes minutes, and what they share is made in seconds
    r"|tests/pipeline/test_permissions\.py.*(?P<parameter>\[.*)"
)
"""Tests of one file that are as well on several workers, those with the same parameter together."""


class LongFirst(LoadScopeScheduling):  # type: ignore[misc]
    """A file is one piece of work, because what its tests share is made once a worker."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """What goes to one worker with this test."""
    file = nodeid.partition("::")[0]
    apart = APART.fullmatch(nodeid)
    if not apart:
        return file
    return file + apart["parameter"] if apart["parameter"] else nodeid


def make_scheduler(config: pytest.Config, log: Any) -> LongFirst:
    config.option.loadscopereorder = False  # by number of tests, xdist would
    return LongFirst(config, log)


def long_ones_first(items: list[pytest.Item]) -> None:
    """The same order in each worker, as xdist wants it."""
    items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    return next((place for place, start in enumerate(LONG) if nodeid.startswith(start)), len(LONG))
