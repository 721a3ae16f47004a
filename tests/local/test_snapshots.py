"""Snapshots hold rows: base backups of the real server, restored as a second one."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.instances import InstanceStore
from dbmigrate_local.snapshots import SnapshotStore, SnapshotUnusable, trim_snapshots

TAGS = [{"Key": "run", "Value": "run-7"}]


def described(cloud: Cloud, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("rds").describe_db_snapshots(DBSnapshotIdentifier=name)[
        "DBSnapshots"
    ][0]
    return found


def test_a_snapshot_is_creating_then_available(cloud: Cloud) -> None:
    cloud.invoke("StoreFunction", {"do": "snapshot", "name": "run-7", "tags": TAGS})
    first, second = described(cloud, "run-7"), described(cloud, "run-7")
    assert (first["Status"], first["PercentProgress"]) == ("creating", 50)
    assert (second["Status"], second["PercentProgress"]) == ("available", 100)
    assert second["TagList"] == TAGS
    folder = cloud.snapshots.get("run-7").folder
    assert folder is not None and (folder / "PG_VERSION").exists()


def test_a_restored_instance_has_the_rows_of_then(
    cloud: Cloud, postgres: EmbeddedPostgres, database: str
) -> None:
    name = database.rsplit("/", 1)[-1]
    postgres.execute("CREATE TABLE kept AS SELECT 'before' AS word", name)
    cloud.invoke("StoreFunction", {"do": "snapshot", "name": "run-8"})
    assert cloud.snapshots.get("run-8").settle() == "available"
    postgres.execute("UPDATE kept SET word = 'after'", name)
    rds = cloud.client("rds")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="second", DBSnapshotIdentifier="run-8")
    restored = cloud.instances.server("second")
    where = rds.describe_db_instances(DBInstanceIdentifier="second")["DBInstances"][0]["Endpoint"]
    assert where == {"Address": "127.0.0.1", "Port": restored.port}
    assert restored.execute("SELECT word FROM kept", name) == [["before"]]
    assert postgres.execute("SELECT word FROM kept", name) == [["after"]]
    rds.delete_db_instance(DBInstanceIdentifier="second", SkipFinalSnapshot=True)
    with pytest.raises(Exception, match="Can't create a connection"):
        restored.execute("SELECT 1", name)


def test_a_backup_that_fails_says_so(cloud: Cloud) -> None:
    cloud.snapshots.fail_next()
    cloud.invoke("StoreFunction", {"do": "snapshot", "name": "run-9"})
    described(cloud, "run-9")
    assert described(cloud, "run-9")["Status"] == "failed"
    assert "not empty" in cloud.snapshots.get("run-9").reason
    with pytest.raises(ClientError):
        cloud.client("rds").restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier="never", DBSnapshotIdentifier="run-9"
        )


def test_a_cluster_s_snapshots_are_the_same(cloud: Cloud) -> None:
    rds = cloud.client("rds")
    owner = {"MasterUsername": "postgres", "MasterUserPassword": "not-used-here"}
    rds.create_db_cluster(DBClusterIdentifier="aurora", Engine="aurora-postgresql", **owner)
    rds.create_db_cluster_snapshot(
        DBClusterIdentifier="aurora", DBClusterSnapshotIdentifier="cluster-1", Tags=TAGS
    )

    def status() -> str:
        found = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="cluster-1")
        return str(found["DBClusterSnapshots"][0]["Status"])

    assert [status(), status()] == ["creating", "available"]
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="cluster-1")
    with pytest.raises(KeyError):
        cloud.snapshots.get("cluster-1")


def test_a_snapshot_of_an_earlier_process_is_replaced(postgres: EmbeddedPostgres) -> None:
    for _ in range(2):
        instances = InstanceStore(postgres)
        store = SnapshotStore(postgres)
        assert store.take("again", instances.adopt("app")).settle() == "available", store.get("again").reason
        instances.restore(instances.prepare("copy"), store.base_of("again"))
        assert instances.server("copy").execute("SELECT 1") == [[1]]
        store.close()
        instances.close()
    store.forget("again")


def test_without_a_server_a_snapshot_has_no_data() -> None:
    app, store = InstanceStore(None).adopt("app"), SnapshotStore(None)
    assert store.take("empty", app).status == "available"
    assert store.base_of("empty") is None
    store.fail_next()
    assert store.take("broken", app).settle() == "failed"
    with pytest.raises(SnapshotUnusable, match="it is failed"):
        store.base_of("broken")


def test_old_snapshots_go(tmp_path: Path) -> None:
    for number in range(6):
        old = tmp_path / "snapshots" / f"run-{number}"
        old.mkdir(parents=True)
        os.utime(old, (number, number))
    trim_snapshots(SimpleNamespace(folder=tmp_path))  # type: ignore[arg-type]
    assert {path.name for path in (tmp_path / "snapshots").iterdir()} == {"run-3", "run-4", "run-5"}
