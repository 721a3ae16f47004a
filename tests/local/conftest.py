"""The small project of these tests, deployed once a module on the session's PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.cloud import Cloud
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.stand_in import stand_in

PROJECT = Path(__file__).with_name("project")


@pytest.fixture(scope="session")
def template() -> Path:
    return PROJECT / "template.yaml"


@pytest.fixture(scope="module")
def cloud(
    postgres: EmbeddedPostgres, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cloud]:
    """The small project in staging, with its real handlers."""
    database = DatabaseServer(postgres.url, postgres, postgres.binaries)
    with stand_in(template, {"Environment": "staging"}, database, tmp_path_factory.mktemp("local")) as opened:
        yield opened


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server for tests that stop it and change what it serves."""
    with EmbeddedPostgres(find_binaries(), tmp_path_factory.mktemp("rds") / "postgres") as server:
        yield server


@pytest.fixture(scope="module")
def own_cloud(own_server: EmbeddedPostgres, template: Path) -> Iterator[Cloud]:
    """The small project on a server of its own."""
    database = DatabaseServer(own_server.url, own_server, own_server.binaries)
    with stand_in(template, {"Environment": "staging"}, database) as opened:
        yield opened
