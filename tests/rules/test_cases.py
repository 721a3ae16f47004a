"""Each rule catches its bad revision and lets its good one pass, on a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rules.case import CASES, Case, cases, judged
from tests.rules.conftest import Scratch

from dbmigrate.domain.rules import RULES


@pytest.mark.parametrize("case", cases("bad"), ids=lambda case: case.name)
def test_what_is_bad_is_caught(case: Case, tmp_path: Path, scratch: Scratch) -> None:
    found = judged(case, tmp_path / "project", scratch(case))
    severities = {finding.severity for finding in found if finding.rule == case.rule}
    assert severities == {case.constant("SEVERITY", "block")}, found


@pytest.mark.parametrize("case", cases("good"), ids=lambda case: case.name)
def test_what_is_good_passes(case: Case, tmp_path: Path, scratch: Scratch) -> None:
    found = [finding for finding in judged(case, tmp_path / "project", scratch(case)) if finding.counts]
    assert [finding for finding in found if finding.rule == case.rule or finding.severity != "note"] == []


def test_every_rule_has_a_bad_and_a_good_case() -> None:
    assert {case.rule for case in cases("bad")} == set(RULES)
    assert {case.rule for case in cases("good")} == set(RULES)
    assert {path.name for path in CASES.iterdir() if path.is_dir()} == set(RULES)
