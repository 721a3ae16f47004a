"""A run talks to the writer: neither to a replica nor to something in between."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.adapters.project import connected
from tests.adapters.servers import own_server

from dbmigrate.adapters.connection import Limits, open_raw, target_from_url
from dbmigrate.domain.errors import PoolerFound, ReaderFound


def test_a_replica_is_refused() -> None:
    """A server in standby replays what it finds, and answers as a replica or an Aurora reader does."""
    with (
        own_server(files={"standby.signal": b""}) as server,
        pytest.raises(ReaderFound, match="takes no writes: it replays another server") as refused,
    ):
        open_raw(target_from_url(server.url), Limits())
    assert "cluster-ro-" in refused.value.hint and refused.value.exit_code == 2


def test_a_login_that_may_only_read_is_refused(database: str) -> None:
    target = target_from_url(database)
    with connected(database) as admin:
        admin.run(f'ALTER DATABASE "{target.name}" SET default_transaction_read_only = on')
    with pytest.raises(ReaderFound, match=f"is on for postgres in {target.name}") as refused:
        open_raw(target, Limits())
    assert "ALTER ROLE postgres SET default_transaction_read_only = off" in refused.value.hint
    with connected(database) as admin:
        admin.run("SET default_transaction_read_only = off")
        admin.run(f'ALTER DATABASE "{target.name}" RESET default_transaction_read_only')
    open_raw(target, Limits()).close()


@pytest.mark.parametrize(
    "host",
    [
        "shop.proxy-c0ffee123456.eu-west-1.rds.amazonaws.com",
        "more.endpoint.proxy-c0ffee123456.us-gov-west-1.rds.amazonaws.com",
        "shop.PROXY-c0ffee123456.cn-north-1.rds.amazonaws.com.cn",
    ],
)
def test_an_rds_proxy_is_known_by_its_name_without_asking(database: str, host: str) -> None:
    with pytest.raises(PoolerFound, match="is an RDS Proxy") as refused:
        open_raw(replace(target_from_url(database), host=host), Limits())
    assert "the writer's own endpoint" in refused.value.hint
