"""One real PostgreSQL for the whole session, one fresh database for each test that asks."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.schedule import long_ones_first, make_scheduler

from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.embedded import EmbeddedPostgres

NUMBERS = itertools.count(1)
PREFIX = "dbm-"  # short: Chromium puts a socket below it, whose path may have 107 characters
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it, which goes at the end
ROOM = 12 << 30  # bytes; the tests take up to 8


def pytest_configure(config: pytest.Config) -> None:
    """Whatever the tests and their commands leave behind is left in one folder, in memory if there is room,
    which goes at the end.

    A shell that starts us in the background has SIGINT ignored, and what we start would inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    inner = "PYTEST_XDIST_WORKER" in os.environ  # whose folder is in that of the controller
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=None if inner else memory()))
    folder.chmod(0o755)  # the embedded server's account has to pass
    patch = pytest.MonkeyPatch()
    patch.setenv("TMPDIR", str(folder))
    patch.setattr(tempfile, "tempdir", str(folder))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    config.add_cleanup(patch.undo)


def memory() -> Path | None:
    """A file system in memory with room enough, where there is one: a database is 300 new files."""
    with contextlib.suppress(OSError, AttributeError):
        for left in MEMORY.glob(f"{PREFIX}*"):
            if not Path("/proc", left.name.split("-")[-2]).exists():
                shutil.rmtree(left, ignore_errors=True)
        there = os.statvfs(MEMORY)
        if there.f_bavail * there.f_frsize > ROOM and not there.f_flag & os.ST_NOEXEC:
            return MEMORY
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long_ones_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: some test always waits for a server, a process or a clock."""
    return min((os.cpu_count() or 1) + 1, 4)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return make_scheduler(config, log)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's server: made in a moment, gone at the end."""
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX) as folder,
        EmbeddedPostgres(find_binaries(), Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The address of a database that only this test sees."""
    name = f"test_{next(NUMBERS)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)
