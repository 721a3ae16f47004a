"""Restores, moments and renames: real servers with real rows behind the identifiers of RDS."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pg8000.dbapi
import pytest

from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.cloud import Cloud
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.stand_in import stand_in

MAIN = "local-database"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, because renames stop it."""
    with EmbeddedPostgres(find_binaries(), tmp_path_factory.mktemp("rds") / "postgres") as started:
        yield started


@pytest.fixture
def cloud(server: EmbeddedPostgres, template: Path) -> Iterator[Cloud]:
    database = DatabaseServer(server.url, server, server.binaries)
    with stand_in(template, {"Environment": "staging"}, database) as opened:
        yield opened


def described(cloud: Cloud, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("rds").describe_db_instances(DBInstanceIdentifier=name)[
        "DBInstances"
    ][0]
    return found


def until_available(cloud: Cloud, name: str) -> dict[str, Any]:
    for _ in range(5):
        if (found := described(cloud, name))["DBInstanceStatus"] == "available":
            return found
    raise AssertionError(found["DBInstanceStatus"])


class Writer:
    """Writes rows one by one, and remembers when each was promised."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        server.execute("CREATE TABLE IF NOT EXISTS written (id bigint PRIMARY KEY)")
        self.promised: list[tuple[int, dt.datetime, dt.datetime]] = []  # id, before and after the commit
        self._url = {"user": "postgres", "host": "127.0.0.1", "port": server.port, "database": "postgres"}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _write(self) -> None:
        connection = pg8000.dbapi.connect(**self._url)
        cursor, number = connection.cursor(), 0
        while not self._ends.is_set():
            number += 1
            cursor.execute("INSERT INTO written VALUES (%s)", (number,))
            before = dt.datetime.now(dt.UTC)
            connection.commit()
            self.promised.append((number, before, dt.datetime.now(dt.UTC)))
        connection.close()


def test_a_moment_has_every_row_from_before_and_none_from_after(
    cloud: Cloud, server: EmbeddedPostgres
) -> None:
    with Writer(server) as writer:
        cloud.until(lambda: len(writer.promised) > 200)
        moment = dt.datetime.now(dt.UTC)
        count = len(writer.promised)
        cloud.until(lambda: len(writer.promised) > count + 200)
    cloud.client("rds").restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=MAIN, TargetDBInstanceIdentifier="then", RestoreTime=moment
    )
    first, second = described(cloud, "then"), described(cloud, "then")
    assert (first["DBInstanceStatus"], second["DBInstanceStatus"]) == ("creating", "available")
    assert "Endpoint" not in first and second["Endpoint"]["Port"] != server.port
    found = {row[0] for row in cloud.instances.server("then").execute("SELECT id FROM written")}
    assert found >= {number for number, _, after in writer.promised if after < moment}
    assert not found & {number for number, before, _ in writer.promised if before > moment}
    assert 200 < len(found) < len(writer.promised)


def rename(cloud: Cloud, old: str, new: str) -> list[str]:
    """Rename and wait for its end; returns what was seen."""
    rds = cloud.client("rds")
    rds.modify_db_instance(DBInstanceIdentifier=old, NewDBInstanceIdentifier=new, ApplyImmediately=True)
    seen = [described(cloud, old)["DBInstanceStatus"]]
    seen += [described(cloud, new)["DBInstanceStatus"] for _ in range(2)]
    return seen


def test_a_swap_by_rename_moves_the_server_and_not_the_address(
    cloud: Cloud, server: EmbeddedPostgres
) -> None:
    server.execute("CREATE TABLE kept AS SELECT 'before' AS word")
    moment = dt.datetime.now(dt.UTC)
    server.execute("UPDATE kept SET word = 'after'")
    url, rds = server.url, cloud.client("rds")
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=MAIN, TargetDBInstanceIdentifier="copy", RestoreTime=moment
    )
    copied, old = until_available(cloud, "copy"), described(cloud, MAIN)
    assert rename(cloud, MAIN, "kept") == ["renaming", "rebooting", "available"]
    assert rename(cloud, "copy", MAIN) == ["renaming", "rebooting", "available"]
    assert server.url == url and server.execute("SELECT word FROM kept") == [["before"]]
    assert cloud.instances.server("kept").execute("SELECT word FROM kept") == [["after"]]
    new, kept = described(cloud, MAIN), described(cloud, "kept")
    assert new["Endpoint"] == old["Endpoint"] and new["DbiResourceId"] == copied["DbiResourceId"]
    assert kept["Endpoint"] != old["Endpoint"] and kept["DbiResourceId"] == old["DbiResourceId"]


def test_what_bears_the_name_now_can_be_restored_in_its_turn(cloud: Cloud, server: EmbeddedPostgres) -> None:
    rds = cloud.client("rds")
    server.execute("CREATE TABLE steps AS SELECT 1 AS step")
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=MAIN, TargetDBInstanceIdentifier="copy", UseLatestRestorableTime=True
    )
    until_available(cloud, "copy")
    rename(cloud, MAIN, "kept")
    rename(cloud, "copy", MAIN)
    rds.create_db_snapshot(DBInstanceIdentifier=MAIN, DBSnapshotIdentifier="of-the-new")
    assert cloud.snapshots.get("of-the-new").settle() == "available", cloud.snapshots.get("of-the-new").reason
    server.execute("INSERT INTO steps VALUES (2)")
    moment = dt.datetime.now(dt.UTC)
    server.execute("INSERT INTO steps VALUES (3)")
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=MAIN, TargetDBInstanceIdentifier="second", RestoreTime=moment
    )
    assert cloud.instances.server("second").execute("SELECT step FROM steps ORDER BY 1") == [[1], [2]]
