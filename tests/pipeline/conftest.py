"""Environments of the real template: one stays open, each test has a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.pipeline.pipeline import APPROVER, Pipeline

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.stand_in import stand_in

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., Pipeline]


class Switchboard:
    """Keeps the last stand-in open, because deploying is most of a test's time."""

    def __init__(self, postgres: EmbeddedPostgres, folder: Path) -> None:
        self.postgres = postgres
        self.folder = folder
        self.parameters: dict[str, str] | None = None
        self.stack = ExitStack()
        self.cloud: Cloud | None = None

    def cloud_for(self, parameters: dict[str, str]) -> Cloud:
        if self.cloud is None or parameters != self.parameters:
            self.close()
            server = DatabaseServer(self.postgres.url, self.postgres, None)
            self.cloud = self.stack.enter_context(
                stand_in(ROOT / "template.yaml", parameters, server, self.folder)
            )
            self.parameters = parameters
        return self.cloud

    def forget_snapshots(self) -> None:
        """Each is a whole copy of the server's data."""
        store = self.cloud.snapshots if self.cloud else None
        for name in store.names if store else ():
            store.forget(name)

    def close(self) -> None:
        self.forget_snapshots()
        self.stack.close()
        self.cloud = None


@pytest.fixture(scope="module")
def switchboard(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Switchboard]:
    board = Switchboard(postgres, tmp_path_factory.mktemp("stand-in"))
    yield board
    board.close()


@pytest.fixture
def open_pipeline(
    switchboard: Switchboard, postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> Iterator[Open]:
    """The template for an environment, its functions on this test's database."""

    def opened(environment: str, **parameters: str) -> Pipeline:
        given = {"Environment": environment, "FirstApprover": APPROVER, **parameters}
        server = DatabaseServer(database, postgres, None)
        cloud = switchboard.cloud_for(given)
        cloud.runtime.give(DATABASE_NAME=server.endpoint.database)
        return Pipeline(cloud, server, tmp_path)

    yield opened
    switchboard.forget_snapshots()


@pytest.fixture
def staging(open_pipeline: Open) -> Pipeline:
    return open_pipeline("staging")


@pytest.fixture
def production(open_pipeline: Open) -> Pipeline:
    return open_pipeline("production")
