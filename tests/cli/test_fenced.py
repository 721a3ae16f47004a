"""A fence that stands is the first thing that status says, with the ways out of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.servers import own_server
from tests.cli.cases import run

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.fence import Gate

RECOVERY = "staging-recovery-1"


@pytest.fixture
def fenced(history: Path) -> Iterator[str]:
    """The address of a database that a recovery has fenced."""
    with own_server() as server:
        url = server.create_database("app")
        gate = Gate(Database(target_from_url(url), "staging"))
        gate.shut(RECOVERY)
        yield url
        gate.lift(RECOVERY)


def test_status_names_it_and_the_ways_out(fenced: str) -> None:
    told = run("--environment", "staging", "--database", fenced, "status")
    assert f"{RECOVERY} keeps everybody out of app, postgres, since 20" in told.out
    assert f"recover --resume {RECOVERY}" in told.err and f"recover --abandon {RECOVERY}" in told.err


def test_programs_get_it_as_a_field(fenced: str) -> None:
    told = run("--environment", "staging", "--database", fenced, "--format", "json", "status").json
    assert (told["fence"]["recovery"], told["fence"]["databases"]) == (RECOVERY, ["app", "postgres"])


def test_without_one_the_field_is_empty(database: str, history: Path) -> None:
    assert run("--database", database, "--format", "json", "status").json["fence"] is None
