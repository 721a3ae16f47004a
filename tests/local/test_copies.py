"""Snapshots that go wrong, spoil, are copied to another Region, shared, and listed by the page."""

from __future__ import annotations

from typing import Any

import boto3
import pg8000.exceptions
import pytest
from tests.local.databases import MAIN, refused

from dbmigrate_local.account import ADMINISTRATOR
from dbmigrate_local.cloud import Cloud
from dbmigrate_local.embedded import EmbeddedPostgres

ELSEWHERE = "eu-west-1"


def take(cloud: Cloud, name: str, **values: Any) -> str:
    """Begin a snapshot; returns its ARN."""
    made = cloud.client("rds").create_db_snapshot(
        DBInstanceIdentifier=MAIN, DBSnapshotIdentifier=name, **values
    )
    return str(made["DBSnapshot"]["DBSnapshotArn"])


def statuses(rds: Any, name: str, looks: int = 2) -> list[str]:
    answers = (rds.describe_db_snapshots(DBSnapshotIdentifier=name) for _ in range(looks))
    return [answer["DBSnapshots"][0]["Status"] for answer in answers]


@pytest.fixture(scope="module")
def elsewhere(own_cloud: Cloud) -> Any:
    return boto3.Session(*ADMINISTRATOR, region_name=ELSEWHERE).client("rds")


def test_a_snapshot_can_take_for_ever(own_cloud: Cloud) -> None:
    own_cloud.snapshots.next_ends("creating")
    take(own_cloud, "endless")
    assert set(statuses(own_cloud.client("rds"), "endless", 5)) == {"creating"}


def test_a_snapshot_can_end_in_another_status(own_cloud: Cloud) -> None:
    own_cloud.snapshots.next_ends("incompatible-restore")
    take(own_cloud, "odd")
    assert statuses(own_cloud.client("rds"), "odd") == ["creating", "incompatible-restore"]
    with refused("InvalidDBSnapshotState"):
        own_cloud.client("rds").restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier="never", DBSnapshotIdentifier="odd"
        )


def test_a_snapshot_can_be_deleted_under_its_owner(own_cloud: Cloud) -> None:
    own_cloud.snapshots.next_ends("deleted")
    take(own_cloud, "gone")
    rds = own_cloud.client("rds")
    assert statuses(rds, "gone", 1) == ["creating"]
    with refused("DBSnapshotNotFound"):
        statuses(rds, "gone", 1)


def test_a_quota_is_met_once(own_cloud: Cloud) -> None:
    own_cloud.snapshots.refuse_next("SnapshotQuotaExceeded")
    with refused("SnapshotQuotaExceeded"):
        take(own_cloud, "one-too-many")
    take(own_cloud, "one-too-many")


def test_spoiled_data_are_found_by_who_reads_them(own_cloud: Cloud, own_server: EmbeddedPostgres) -> None:
    own_server.execute("CREATE TABLE ledger AS SELECT generate_series(1, 1000) AS entry")
    source = take(own_cloud, "spoiled")
    own_cloud.snapshots.get("spoiled").settle()
    rds = own_cloud.client("rds")
    rds.copy_db_snapshot(SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier="sound")
    own_cloud.snapshots.get("sound").settle()
    own_cloud.snapshots.corrupt("spoiled", "ledger")
    for name in ("spoiled", "sound"):
        rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=name)
    count = "SELECT count(entry) FROM ledger"
    with pytest.raises(pg8000.exceptions.DatabaseError, match="invalid page in block 0"):
        own_cloud.instances.server("spoiled").execute(count)
    assert own_cloud.instances.server("sound").execute(count) == [[1000]]
    assert own_server.execute(count) == [[1000]]


def test_a_copy_elsewhere_is_encrypted_and_restored_with_its_rows(
    own_cloud: Cloud, own_server: EmbeddedPostgres, elsewhere: Any
) -> None:
    own_server.execute("CREATE TABLE travelled AS SELECT 'before' AS word")
    source = take(own_cloud, "to-travel", Tags=[{"Key": "run", "Value": "run-7"}])
    copy = {"SourceDBSnapshotIdentifier": source, "TargetDBSnapshotIdentifier": "arrived"}
    kms = boto3.Session(*ADMINISTRATOR, region_name=ELSEWHERE).client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    own_cloud.snapshots.get("to-travel").settle()
    elsewhere.copy_db_snapshot(**copy, KmsKeyId=key, CopyTags=True, SourceRegion="us-east-1")
    assert statuses(elsewhere, "arrived") == ["creating", "available"]
    found = elsewhere.describe_db_snapshots(DBSnapshotIdentifier="arrived")["DBSnapshots"][0]
    assert (found["Encrypted"], found["KmsKeyId"]) == (True, key)
    assert found["TagList"] == [{"Key": "run", "Value": "run-7"}]
    own_cloud.client("rds").delete_db_snapshot(DBSnapshotIdentifier="to-travel")
    own_server.execute("UPDATE travelled SET word = 'after'")
    elsewhere.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="abroad", DBSnapshotIdentifier="arrived"
    )
    assert own_cloud.instances.server("abroad").execute("SELECT word FROM travelled") == [["before"]]


def test_what_is_not_available_is_not_copied(own_cloud: Cloud, elsewhere: Any) -> None:
    own_cloud.snapshots.fail_next()
    source = take(own_cloud, "failing")
    with refused("InvalidDBSnapshotState"):
        elsewhere.copy_db_snapshot(
            SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier="never", SourceRegion="us-east-1"
        )


def test_a_cluster_s_snapshot_is_copied_too(own_cloud: Cloud, elsewhere: Any) -> None:
    rds = own_cloud.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="aurora",
        Engine="aurora-postgresql",
        MasterUsername="postgres",
        MasterUserPassword="not-used-here",
    )
    made = rds.create_db_cluster_snapshot(DBClusterIdentifier="aurora", DBClusterSnapshotIdentifier="whole")
    elsewhere.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=made["DBClusterSnapshot"]["DBClusterSnapshotArn"],
        TargetDBClusterSnapshotIdentifier="whole",
        SourceRegion="us-east-1",
    )
    seen = elsewhere.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="whole")
    assert seen["DBClusterSnapshots"][0]["Status"] == "creating"


def test_a_snapshot_is_shared_with_an_account(own_cloud: Cloud) -> None:
    take(own_cloud, "shared")
    shared = own_cloud.client("rds").modify_db_snapshot_attribute(
        DBSnapshotIdentifier="shared", AttributeName="restore", ValuesToAdd=["210987654321"]
    )["DBSnapshotAttributesResult"]
    assert shared["DBSnapshotAttributes"] == [
        {"AttributeName": "restore", "AttributeValues": ["210987654321"]}
    ]


def test_a_long_list_has_pages(own_cloud: Cloud) -> None:
    rds = own_cloud.client("rds")
    own_cloud.snapshots.settle()
    source = take(own_cloud, "page-0", Tags=[{"Key": "page", "Value": "0"}])
    own_cloud.snapshots.get("page-0").settle()
    for number in range(1, 25):
        rds.copy_db_snapshot(
            SourceDBSnapshotIdentifier=source,
            TargetDBSnapshotIdentifier=f"page-{number}",
            Tags=[{"Key": "page", "Value": str(number)}],
        )
    first = rds.describe_db_snapshots(DBInstanceIdentifier=MAIN, MaxRecords=20)
    assert len(first["DBSnapshots"]) == 20 and first["Marker"]
    pages = rds.get_paginator("describe_db_snapshots").paginate(
        DBInstanceIdentifier=MAIN, PaginationConfig={"PageSize": 20}
    )
    tags = [tag["Value"] for page in pages for one in page["DBSnapshots"] for tag in one["TagList"]]
    assert sorted(map(int, tags)) == [*range(25)]
