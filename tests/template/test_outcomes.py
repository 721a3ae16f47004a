"""The outcomes that people read about are those of the definitions."""

from __future__ import annotations

import re

from tests.template.definition import DRILL, RECOVERY, outcomes
from tests.template.template import ROOT

from dbmigrate.domain.notice import OUTCOMES
from dbmigrate_cli.outcomes import EXIT_CODES

ROW = re.compile(r"^\| (\w+) \|.*\| (\d) \| [^|]+ \|$", re.M)


def documented() -> dict[str, int]:
    """Exit code by outcome, as the documentation has them."""
    rows = ROW.findall((ROOT / "docs/outcomes.md").read_text())
    return {outcome: int(code) for outcome, code in rows}


def test_every_outcome_is_documented_and_no_other() -> None:
    assert set(documented()) == outcomes() | RECOVERY.outcomes() | DRILL.outcomes()


def test_the_command_exits_as_documented() -> None:
    assert documented() == EXIT_CODES


def test_a_notice_has_words_for_every_outcome() -> None:
    assert outcomes() | RECOVERY.outcomes() | DRILL.outcomes() | {"RecoveryBegan"} <= set(OUTCOMES)
