"""One real PostgreSQL for the whole session, one fresh database for each test that asks."""

from __future__ import annotations

import itertools
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.embedded import EmbeddedPostgres

NUMBERS = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Whatever the tests and their commands leave behind is left in one folder, which goes at the end.

    A shell that starts us in the background has SIGINT ignored, and what we start would inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="db-migrate-tests-"))
    folder.chmod(0o755)  # the embedded server's account has to pass
    patch = pytest.MonkeyPatch()
    patch.setenv("TMPDIR", str(folder))
    patch.setattr(tempfile, "tempdir", str(folder))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    config.add_cleanup(patch.undo)


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
