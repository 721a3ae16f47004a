"""A server that writes to disk as a real one, and the suite's base with fewer rows than the benchmark's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.standard_suite import make_base
from benchmarks.traffic import SERVER

from dbmigrate_local.embedded import EmbeddedPostgres, embedded_postgres

ROWS = 100_000


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with embedded_postgres(Path(tmp_path_factory.mktemp("traffic")), SERVER) as started:
        make_base(started, "base", ROWS)
        yield started
