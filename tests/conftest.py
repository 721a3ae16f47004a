"""One real PostgreSQL for the whole session, one fresh database for each test that asks."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.embedded import EmbeddedPostgres

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's server: made in a moment, gone at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="db-migrate-tests-") as folder,
        EmbeddedPostgres(find_binaries(), Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The address of a database that only this test sees."""
    name = f"test_{next(NUMBERS)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)
