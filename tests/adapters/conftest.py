"""A project to write revisions into and a database of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.project import Project

from dbmigrate.adapters import runner
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def db(database: str) -> Database:
    return Database(target_from_url(database), "development")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is not free is given up after two tries."""
    monkeypatch.setattr(runner, "QUICK_TRIES", 2)
