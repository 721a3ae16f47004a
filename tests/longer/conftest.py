"""Databases whose invocations are short, and builds that are longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.project import Project, connected

from dbmigrate.adapters.connection import Limits, target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.handles import FolderHandles
from dbmigrate.domain.progress import Progress

Invocation = Callable[..., Database]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def seen() -> list[Progress]:
    """What the runs reported."""
    return []


@pytest.fixture
def handles(tmp_path: Path) -> FolderHandles:
    return FolderHandles(tmp_path)


@pytest.fixture
def invocation(database: str, seen: list[Progress], handles: FolderHandles) -> Invocation:
    """The database as a function's invocation has it, which ends after so many seconds."""

    def begin(seconds: float | None = 2.0, **limits: float) -> Database:
        ends = None if seconds is None else time.monotonic() + seconds
        given = replace(Limits(deadline=ends), **limits)  # type: ignore[arg-type]
        return Database(target_from_url(database), "development", given, handles, seen.append)

    return begin


@pytest.fixture
def table(project: Project, database: str) -> Iterator[Project]:
    """A revision that makes a table of a few rows."""
    yield project.add(
        "a1",
        None,
        "CREATE TABLE one (id int PRIMARY KEY, note text)\n"
        "INSERT INTO one SELECT n, 'note ' || n FROM generate_series(1, 1000) n",
        "DROP TABLE one",
    )


@pytest.fixture
def old_snapshot(database: str, table: Project, invocation: Invocation) -> Iterator[Callable[[], None]]:
    """Whatever is built CONCURRENTLY waits for this transaction to the end; calling it ends it."""
    from tests.adapters.project import move

    move(invocation(None), table.history())
    with connected(database) as other:
        other.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.run("SELECT 1 FROM one LIMIT 1")
        yield lambda: other.run("COMMIT") and None
