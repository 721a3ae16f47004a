"""The made history and the public one's trial, on a real PostgreSQL; none of these tests measures time."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from benchmarks import layer_size, public_history
from benchmarks.made_history import STEPS, ini_for, make_history

from dbmigrate.adapters.history import load_history
from dbmigrate_local.embedded import EmbeddedPostgres

TWO_ROUNDS = 2 * len(STEPS)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return make_history(tmp_path, TWO_ROUNDS)


def test_the_made_history_is_one_line_of_revisions(made: Path) -> None:
    history = load_history(made)
    assert len(history.order) == TWO_ROUNDS
    assert history.head == f"{TWO_ROUNDS:04}_{STEPS[-1]}"


def test_the_ini_names_the_database(made: Path, database: str) -> None:
    assert f"sqlalchemy.url = {database}\n" in ini_for(made.parent, database).read_text()


def test_both_ways_end_in_the_same_catalog_and_every_revision_goes_back(
    made: Path, postgres: EmbeddedPostgres
) -> None:
    with public_history.databases(postgres.url) as urls:
        drivers = [url.replace("postgresql:", "postgresql+pg8000:") for url in urls]
        given = argparse.Namespace(package="alembic", migrations=made, reference=None)
        found = public_history.try_history(given, [urls[0], drivers[1], urls[2]])
    assert found["differences"] == found["unforeseen"] == []
    assert found["one_way"] == {}
    assert found["revisions"] == found["round_trips"] == TWO_ROUNDS
    assert postgres.execute("SELECT datname FROM pg_database WHERE datname LIKE 'public_%'") == []


def test_a_difference_is_named(
    made: Path, postgres: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    with public_history.databases(postgres.url) as urls:
        given = argparse.Namespace(package="alembic", migrations=made, reference="true")
        found = public_history.try_history(given, urls)
    public_history.show(found)
    assert "table public.entity_000 is in no revision" in capsys.readouterr().out


def test_the_layers_size_is_the_sum_of_its_files(tmp_path: Path) -> None:
    package = tmp_path / "python" / "big"
    package.mkdir(parents=True)
    (package / "a.py").write_bytes(b"x" * 200_000)
    (tmp_path / "python" / "small").mkdir()
    assert layer_size.size_of(tmp_path) == 200_000
    assert layer_size.packages(tmp_path) == {"big": 0.2, "small": 0.0}
