"""A recovery over two servers that a module's tests share, each on a database of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.adapters.project import Project
from tests.adapters.servers import own_server
from tests.recovery.copies import Recovery, copy_of, migrated

from dbmigrate_local.embedded import EmbeddedPostgres


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedPostgres, EmbeddedPostgres]]:
    with own_server() as old:
        migrated(old, Project(tmp_path_factory.mktemp("project") / "project"), "first")
        old.execute("ALTER DATABASE first IS_TEMPLATE true")
        with copy_of(old) as copy:
            yield old, copy


@pytest.fixture
def recovery(servers: tuple[EmbeddedPostgres, EmbeddedPostgres]) -> Iterator[Recovery]:
    """Both have the same rows in the same places."""
    old, copy = servers
    for server in servers:
        server.create_database("app", template="first")
    yield Recovery(old.url_for("app"), copy.url_for("app"))
    for server in servers:
        server.drop_database("app")
