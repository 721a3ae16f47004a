"""The rules on revisions that were not written for them: the sample history, each revision as a plan of its
own on large tables; and what PostgreSQL refuses before a rule can speak."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.project import Project
from tests.rules.case import LARGE

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.catalog import tables
from dbmigrate.domain.errors import RehearsalFailed
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.facts import facts_of
from dbmigrate.domain.findings import Finding, judge
from dbmigrate.domain.rules import RULES

SAMPLE = Path(__file__).parents[2] / "migrations"


def alone(evidence: Evidence, revision: str) -> list[Finding]:
    """What is said of one revision when everything before it is live and large."""
    start = evidence.revisions[revision].down
    catalog = evidence.catalog_at(start)
    sizes = dict.fromkeys(catalog.get("relation", {}), LARGE)
    return judge(
        RULES.values(),
        facts_of(evidence, start, [revision], tables(catalog), sizes, evidence.server_major, "UTC"),
    )


def test_the_sample_history_is_as_careful_as_it_says(database: str) -> None:
    """Only the contraction waits for a person: 0014 drops a column that an old release could still read."""
    evidence = rehearse(load_history(SAMPLE), target_from_url(database))
    found = [finding for revision in evidence.order for finding in alone(evidence, revision)]
    assert {(f.revision, f.relation) for f in found if f.severity == "review"} == {("0014", "public.users")}
    assert [finding for finding in found if finding.severity == "block"] == []


INSIDE = {
    "an index": 'op.create_index("ix", "t", ["id"], postgresql_concurrently=True)',
    "vacuum": 'op.execute("VACUUM t")',
}


@pytest.mark.parametrize("name", INSIDE)
def test_what_cannot_run_in_a_transaction_is_told_where_to_go(
    tmp_path: Path, database: str, name: str
) -> None:
    project = Project(tmp_path).add("a1", None, "CREATE TABLE t (id int)", "DROP TABLE t")
    project.add("b2", "a1", INSIDE[name], "pass")
    with pytest.raises(RehearsalFailed, match=r"b2_change.py, upgrade: .*autocommit_block\(\):', alone"):
        rehearse(project.history(), target_from_url(database))
