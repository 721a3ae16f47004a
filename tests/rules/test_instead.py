"""The revisions that findings propose really run, there and back, do the same work, and are clean."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rules.case import Case, cases, findings_of, rehearsed
from tests.rules.conftest import Scratch

from dbmigrate.domain.catalog import changes_between
from dbmigrate.domain.rules.revision_text import NEXT

HEAD = '"""Proposed.\n\nRollback: as below.\n"""\n\nimport sqlalchemy as sa\nfrom alembic import op\n'


@pytest.mark.parametrize("case", cases("bad"), ids=lambda case: case.name)
def test_what_is_proposed_runs_and_does_the_same(case: Case, tmp_path: Path, scratch: Scratch) -> None:
    evidence, base, ours = rehearsed(case, tmp_path / "bad", scratch(case))
    wanted = evidence.catalog_at(ours[-1:])
    found = [finding for finding in findings_of(case, evidence, base, ours) if finding.rule == case.rule]
    for number, text in enumerate(dict.fromkeys(f.instead for f in found if "def upgrade" in f.instead)):
        proposed = _as_case(case, text, tmp_path / f"written_{number}")
        again, base, ours = rehearsed(proposed, tmp_path / str(number), scratch(case))
        troubles = [again.revisions[revision].round_trip_error for revision in ours]
        assert troubles == [None] * len(ours), text
        others = [name for _, name, _ in changes_between(wanted, again.catalog_at(ours[-1:]))]
        assert case.constant("LEAVES", []) in (others, None), text
        left = [f for f in findings_of(proposed, again, base, ours) if f.severity != "note"]
        assert left == [], text


def _as_case(case: Case, text: str, folder: Path) -> Case:
    """The proposal as files beside the case's base."""
    folder = folder / case.rule
    folder.mkdir(parents=True)
    base = case.files[0].with_name("base.py")
    if base.exists():
        (folder / "base.py").write_text(base.read_text())
    names = [folder / f"step_{number}.py" for number in range(len(text.split(NEXT)))]
    for path, revision in zip(names, text.split(NEXT), strict=True):
        path.write_text(f"{HEAD}\n\n{revision}\n")
    return Case(tuple(names))
