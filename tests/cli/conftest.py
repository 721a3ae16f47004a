"""A folder of its own for each test, and the command bound to a database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.cases import Answer, make_history, run

Run = Callable[..., Answer]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder. No setting of the machine reaches the command."""
    for name in ("DATABASE_URL", "DB_MIGRATE_DATABASE", "DB_MIGRATE_ENVIRONMENT", "DB_MIGRATE_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def history(folder: Path) -> Path:
    return make_history(folder / "migrations")


@pytest.fixture
def db_migrate(database: str, history: Path) -> Run:
    """The command over ``history`` and ``database``."""
    return lambda *arguments: run("--database", database, *arguments)
