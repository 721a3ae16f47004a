"""The program that counts what the rules say of a history, on our own."""

from __future__ import annotations

from pathlib import Path

from benchmarks.public_findings import look

SAMPLE = Path(__file__).parents[2] / "migrations"


def test_every_revision_has_evidence_and_each_is_judged_alone() -> None:
    found = look("db-migrate", SAMPLE)
    assert found["revisions"] == len(list((SAMPLE / "versions").glob("*.py")))
    assert found["from_base"].keys() <= found["large"].keys()
    assert {finding["revision"] for finding in found["findings"] if finding["severity"] == "review"} == {
        "0014"
    }
    told = [finding for finding in found["findings"] if finding["statement"]]
    assert told and all(finding["sql"] for finding in told)
