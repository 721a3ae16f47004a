"""`make demo-recovery`, as a newcomer runs it: the table and its figures."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    folder = tmp_path_factory.mktemp("newcomer")
    folder.chmod(0o755)
    return subprocess.run(
        [sys.executable, "-m", "dbmigrate_cli.demo_recovery", "--json"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_its_one_line_of_json_says_that_nothing_was_lost(played: subprocess.CompletedProcess[str]) -> None:
    assert played.returncode == 0, played.stderr
    (line,) = played.stdout.splitlines()
    figures = json.loads(line)
    assert figures["committed_before"] == figures["recovered"] == figures["destroyed"] >= 300
    assert figures["lost"] == 0 and figures["only_on_old"] >= 300
    parts = figures["rto_parts"]
    assert set(parts) == {"fenced", "restored", "verified", "compared", "approved", "swapped", "opened"}
    assert figures["rto_seconds"] == pytest.approx(sum(parts.values()), abs=0.01)
    assert 0 < figures["outage_seconds"] <= figures["rto_seconds"]


def test_its_story_and_its_table_are_for_people(played: subprocess.CompletedProcess[str]) -> None:
    for part in (
        "the application is shut out",
        "the copy is whole",
        "rows only on the old instance",
        "the application may come in again",
        "committed before the revision",
        "RTO: together",
    ):
        assert part in played.stderr
