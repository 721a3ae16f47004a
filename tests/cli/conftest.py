"""A folder of its own for each test, and the command bound to a database."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.cases import Answer, git_in, make_history, run

Run = Callable[..., Answer]
Git = Callable[..., str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder. No setting of the machine reaches the command."""
    for name in os.environ:
        if name.startswith(("DB_MIGRATE_", "GITHUB_", "CI_")) or name == "DATABASE_URL":
            monkeypatch.delenv(name)
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


@pytest.fixture
def git(folder: Path, history: Path) -> Git:
    """A repository whose main branch has the three revisions; a branch of it is checked out."""
    git = git_in(folder)
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "three revisions")
    git("checkout", "-q", "-b", "feature")
    return git
