"""validate --queries: the application's own queries say what a revision breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.cases import run, write_revision

from dbmigrate_local.embedded import EmbeddedPostgres

DROP, AGAIN = 'op.drop_table("t1")', 'op.create_table("t1", sa.Column("id", sa.Integer))'


@pytest.fixture(autouse=True)
def scratch(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DB_MIGRATE_SCRATCH", postgres.create_database("scratch_of_queries"))
    yield
    postgres.drop_database("scratch_of_queries")


def test_a_query_that_no_longer_plans_blocks(history: Path, tmp_path: Path) -> None:
    write_revision(history, "0004", "0003", DROP, AGAIN)
    file = tmp_path / "queries.csv"
    file.write_text(
        'calls,query\n7,"SELECT id FROM t1 WHERE id = $1"\n1,SELECT id FROM t2\n1,SELECT x FROM t2\n'
    )
    answer = run("--format", "json", "validate", "--from", "0003", "--queries", str(file))
    assert answer.code == 3
    found = {finding["rule"]: finding for finding in answer.json["findings"]}
    assert found["DM210"]["message"].startswith('relation "t1" does not exist')
    assert (found["DM210"]["severity"], found["DM210"]["revision"]) == ("block", "0004")
    assert (
        found["DM201"]["severity"] == "block"
        and "1 of the given queries no longer plans." in found["DM201"]["message"]
    )
    notes = answer.json["notes"]
    assert "2 queries planned before the first revision; 1 no longer." in notes
    assert any("SELECT x FROM t2" in note and 'column "x" does not exist' in note for note in notes)


def test_without_them_a_person_decides(history: Path) -> None:
    write_revision(history, "0004", "0003", DROP, AGAIN)
    answer = run("--format", "json", "validate", "--from", "0003")
    assert answer.code == 0
    assert [f["severity"] for f in answer.json["findings"] if f["rule"] == "DM201"] == ["review"]


def test_on_our_own_server_it_is_the_same(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DB_MIGRATE_SCRATCH")
    write_revision(history, "0004", "0003", DROP, AGAIN)
    file = tmp_path / "queries.json"
    file.write_text(json.dumps(["SELECT id FROM t1"]))
    answer = run("--format", "json", "validate", "--from", "0003", "--queries", str(file))
    assert "DM210" in {finding["rule"] for finding in answer.json["findings"]}


def test_a_file_without_queries_is_refused(history: Path, tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text("VACUUM;")
    answer = run("--format", "json", "validate", "--from", "0002", "--queries", str(file))
    assert answer.code == 3
    assert "holds no SELECT" in answer.out + answer.err
