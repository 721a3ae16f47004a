"""Aurora: a cluster's data are served by its members, and neither a restore nor a rename makes any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.local.databases import cluster, instance, now, refused

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.stand_in import stand_in

MAIN = "shop"


@pytest.fixture(scope="module")
def aurora(own_server: EmbeddedPostgres, template: Path) -> Iterator[Cloud]:
    database = DatabaseServer(own_server.url, own_server, own_server.binaries)
    with stand_in(template, {"Environment": "staging", "DatabaseCluster": MAIN}, database) as opened:
        yield opened


def add_member(cloud: Cloud, name: str, of: str) -> None:
    cloud.client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        DBClusterIdentifier=of,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )


def restore(cloud: Cloud, name: str, **when: Any) -> None:
    cloud.client("rds").restore_db_cluster_to_point_in_time(
        SourceDBClusterIdentifier=MAIN, DBClusterIdentifier=name, **when
    )


def test_the_first_cluster_is_the_server_and_has_a_member(
    aurora: Cloud, own_server: EmbeddedPostgres
) -> None:
    found, member = cluster(aurora, MAIN), instance(aurora, f"{MAIN}-1")
    assert (found["Endpoint"], found["Port"]) == ("127.0.0.1", own_server.port)
    assert [one["DBInstanceIdentifier"] for one in found["DBClusterMembers"]] == [f"{MAIN}-1"]
    assert instance(aurora, f"{MAIN}-1")["Endpoint"]["Port"] == own_server.port, member
    assert (
        found["EarliestRestorableTime"] < now() and found["LatestRestorableTime"] > found["ClusterCreateTime"]
    )


def test_a_restored_cluster_serves_nobody_before_it_has_a_member(
    aurora: Cloud, own_server: EmbeddedPostgres
) -> None:
    own_server.execute("CREATE TABLE kept AS SELECT 'before' AS word")
    moment = now()
    own_server.execute("UPDATE kept SET word = 'after'")
    restore(aurora, "copy", RestoreToTime=moment)
    with refused("InvalidDBClusterStateFault"):
        add_member(aurora, "copy-1", "copy")
    assert cluster(aurora, "copy")["Status"] == "available"
    assert "Endpoint" not in cluster(aurora, "copy")
    add_member(aurora, "copy-1", "copy")
    assert [instance(aurora, "copy-1")["DBInstanceStatus"] for _ in range(2)] == ["creating", "available"]
    restored = aurora.instances.server("copy")
    assert restored.execute("SELECT word FROM kept") == [["before"]]
    assert cluster(aurora, "copy")["Port"] == restored.port


def test_a_snapshot_of_a_cluster_is_restored_with_its_rows(
    aurora: Cloud, own_server: EmbeddedPostgres
) -> None:
    rds = aurora.client("rds")
    own_server.execute("CREATE TABLE saved AS SELECT 'before' AS word")
    rds.create_db_cluster_snapshot(DBClusterIdentifier=MAIN, DBClusterSnapshotIdentifier="saved")
    assert aurora.snapshots.get("saved").settle() == "available"
    own_server.execute("UPDATE saved SET word = 'after'")
    rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier="from-snapshot", SnapshotIdentifier="saved", Engine="aurora-postgresql"
    )
    aurora.instances.settle("from-snapshot")
    add_member(aurora, "from-snapshot-1", "from-snapshot")
    assert aurora.instances.server("from-snapshot").execute("SELECT word FROM saved") == [["before"]]


def test_a_swap_keeps_the_members_and_the_address(aurora: Cloud, own_server: EmbeddedPostgres) -> None:
    own_server.execute("CREATE TABLE swapped AS SELECT 'before' AS word")
    restore(aurora, "next", UseLatestRestorableTime=True)
    own_server.execute("UPDATE swapped SET word = 'after'")
    aurora.instances.settle("next")
    add_member(aurora, "next-1", "next")
    url, rds = own_server.url, aurora.client("rds")
    for old, new in ((MAIN, "kept"), ("next", MAIN)):
        rds.modify_db_cluster(DBClusterIdentifier=old, NewDBClusterIdentifier=new, ApplyImmediately=True)
        seen = [cluster(aurora, name)["Status"] for name in (old, new, new)]
        assert seen == ["renaming", "rebooting", "available"]
    assert own_server.url == url and own_server.execute("SELECT word FROM swapped") == [["before"]]
    assert aurora.instances.server("kept").execute("SELECT word FROM swapped") == [["after"]]
    members = {
        name: [one["DBInstanceIdentifier"] for one in cluster(aurora, name)["DBClusterMembers"]]
        for name in (MAIN, "kept")
    }
    assert members == {MAIN: ["next-1"], "kept": [f"{MAIN}-1"]}
    assert instance(aurora, f"{MAIN}-1")["DBClusterIdentifier"] == "kept"
    with refused("DBClusterAlreadyExistsFault"):
        rds.modify_db_cluster(DBClusterIdentifier="kept", NewDBClusterIdentifier=MAIN, ApplyImmediately=True)
    aurora.instances.settle(MAIN)
    assert cluster(aurora, MAIN)["EarliestRestorableTime"] < now()


def test_a_cluster_goes_after_its_members(aurora: Cloud) -> None:
    rds = aurora.client("rds")
    restore(aurora, "short-lived", UseLatestRestorableTime=True)
    aurora.instances.settle("short-lived")
    add_member(aurora, "short-lived-1", "short-lived")
    server = aurora.instances.server("short-lived")
    with refused("InvalidDBClusterStateFault"):
        rds.delete_db_cluster(DBClusterIdentifier="short-lived", SkipFinalSnapshot=True)
    rds.delete_db_instance(DBInstanceIdentifier="short-lived-1", SkipFinalSnapshot=True)
    assert not server.running and server.data.exists()
    rds.delete_db_cluster(DBClusterIdentifier="short-lived", SkipFinalSnapshot=True)
    assert not server.data.exists()
