"""Environments of the real template, each on a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.stand_in import stand_in
from tests.pipeline.pipeline import APPROVER, Pipeline

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., Pipeline]


@pytest.fixture
def open_pipeline(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> Iterator[Open]:
    """Deploys the template for an environment; ``handlers`` replaces single functions."""
    with ExitStack() as stack:

        def opened(environment: str, handlers: dict[str, object] | None = None, **parameters: str) -> Pipeline:
            server = DatabaseServer(database, postgres, None)
            given = {"Environment": environment, "FirstApprover": APPROVER, **parameters}
            cloud = stack.enter_context(
                stand_in(ROOT / "template.yaml", given, server, tmp_path / "stand-in", handlers=handlers)  # type: ignore[arg-type]
            )
            return Pipeline(cloud, server, tmp_path)

        yield opened


@pytest.fixture
def staging(open_pipeline: Open) -> Pipeline:
    return open_pipeline("staging")


@pytest.fixture
def production(open_pipeline: Open) -> Pipeline:
    return open_pipeline("production")
