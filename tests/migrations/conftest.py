"""The sample history on databases of a test's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.migrations.history import MIGRATIONS, History


@pytest.fixture
def history(database: str) -> History:
    """The sample history on an empty database."""
    return History(database)


@pytest.fixture(scope="module")
def shared_history(postgres: Any) -> Iterator[History]:
    """One database for all tests of a module, which leave it at or below the head."""
    yield History(postgres.create_database("shared_history"))
    postgres.drop_database("shared_history")


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[], Path]:
    """Copies migrations/ to where a test may add revisions."""

    def copy() -> Path:
        compiled = shutil.ignore_patterns("__pycache__")
        return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations", ignore=compiled))

    return copy
