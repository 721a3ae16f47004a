"""What a restore carries over and what it forgets, as on RDS; and every way in which RDS lets one down."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from tests.local.databases import MAIN, available, instance, now, refused, restore

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.embedded import EmbeddedPostgres

GROUP = "tuned"
TAGS = [{"Key": "team", "Value": "orders"}]


@pytest.fixture(scope="module")
def carried(own_cloud: Cloud) -> dict[str, Any]:
    """The main instance with everything that RDS does not carry over by itself, as restore calls name it."""
    ec2, rds, iam = (own_cloud.client(name) for name in ("ec2", "rds", "iam"))
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc)["GroupId"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    rds.create_db_subnet_group(DBSubnetGroupName="inner", DBSubnetGroupDescription="inner", SubnetIds=subnets)
    rds.create_db_parameter_group(
        DBParameterGroupName=GROUP, DBParameterGroupFamily="postgres15", Description=GROUP
    )
    role = iam.create_role(RoleName="monitoring", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    rds.modify_db_instance(
        DBInstanceIdentifier=MAIN,
        ApplyImmediately=True,
        VpcSecurityGroupIds=[group],
        DBSubnetGroupName="inner",
        DBParameterGroupName=GROUP,
        MonitoringInterval=60,
        MonitoringRoleArn=role,
        DeletionProtection=True,
        EnableIAMDatabaseAuthentication=True,
        MultiAZ=True,
        BackupRetentionPeriod=9,
    )
    rds.add_tags_to_resource(ResourceName=available(own_cloud, MAIN)["DBInstanceArn"], Tags=TAGS)
    return {
        "VpcSecurityGroupIds": [group],
        "DBSubnetGroupName": "inner",
        "DBParameterGroupName": GROUP,
        "DeletionProtection": True,
        "EnableIAMDatabaseAuthentication": True,
        "MultiAZ": True,
        "Tags": TAGS,
    }


def looks(found: dict[str, Any]) -> dict[str, Any]:
    """What of an instance a forgotten carry-over would change."""
    return {
        "groups": [group["VpcSecurityGroupId"] for group in found["VpcSecurityGroups"]],
        "subnets": found.get("DBSubnetGroup", {}).get("DBSubnetGroupName"),
        "parameters": [group["DBParameterGroupName"] for group in found["DBParameterGroups"]],
        "protected": found["DeletionProtection"],
        "iam": found["IAMDatabaseAuthenticationEnabled"],
        "zones": found["MultiAZ"],
        "tags": found["TagList"],
        "monitoring": found["MonitoringInterval"],
    }


@pytest.mark.parametrize("origin", ["snapshot", "moment"])
def test_what_a_restore_does_not_name_is_at_its_default(
    own_cloud: Cloud, carried: dict[str, Any], origin: str
) -> None:
    begin(own_cloud, f"bare-{origin}", origin)
    found, source = available(own_cloud, f"bare-{origin}"), instance(own_cloud, MAIN)
    bare, full = looks(found), looks(source)
    assert bare["groups"] and bare["parameters"] and [key for key in full if bare[key] == full[key]] == []
    assert (bare["protected"], bare["iam"], bare["zones"], bare["tags"], bare["monitoring"]) == (
        *(False, False, False),
        *([], 0),
    )
    same = ("DBInstanceClass", "Engine", "EngineVersion", "AllocatedStorage", "BackupRetentionPeriod")
    assert {key: found[key] for key in same} == {key: source[key] for key in same}
    assert found["DbiResourceId"] != source["DbiResourceId"]


@pytest.mark.parametrize("origin", ["snapshot", "moment"])
def test_what_a_restore_names_is_taken(own_cloud: Cloud, carried: dict[str, Any], origin: str) -> None:
    begin(own_cloud, f"full-{origin}", origin, **carried)
    restored, source = looks(available(own_cloud, f"full-{origin}")), looks(instance(own_cloud, MAIN))
    assert restored == source | {"monitoring": 0}  # no restore can name it
    assert "ReadReplicaSourceDBInstanceIdentifier" not in instance(own_cloud, f"full-{origin}")


def begin(cloud: Cloud, name: str, origin: str, **values: Any) -> None:
    if origin == "moment":
        restore(cloud, name, **values)
        return
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier=MAIN, DBSnapshotIdentifier=f"for-{name}")
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=name, DBSnapshotIdentifier=f"for-{name}", **values
    )


def test_what_is_protected_is_not_deleted(own_cloud: Cloud, carried: dict[str, Any]) -> None:
    delete = own_cloud.client("rds").delete_db_instance
    with refused("InvalidParameterCombination"):
        delete(DBInstanceIdentifier=MAIN, SkipFinalSnapshot=True)
    restore(own_cloud, "without-last-snapshot")
    with refused("InvalidParameterCombination"):
        delete(DBInstanceIdentifier="without-last-snapshot")


def test_only_a_moment_of_the_window_can_be_restored(own_cloud: Cloud, own_server: EmbeddedPostgres) -> None:
    backup = own_cloud.client("rds").describe_db_instance_automated_backups(DBInstanceIdentifier=MAIN)
    window = backup["DBInstanceAutomatedBackups"][0]["RestoreWindow"]
    assert window["EarliestTime"] < window["LatestTime"] <= now()
    for moment in (window["EarliestTime"] - dt.timedelta(seconds=1), now() + dt.timedelta(minutes=1)):
        with refused("InvalidParameterValue"):
            restore(own_cloud, "never", moment)
    with refused("DBInstanceNotFound"):
        instance(own_cloud, "never")


def test_the_newest_moment_can_be_behind(own_cloud: Cloud) -> None:
    main, moment = own_cloud.instances.get(MAIN), now()
    main.lag = 300
    assert instance(own_cloud, MAIN)["LatestRestorableTime"] < moment
    with refused("InvalidParameterValue"):
        restore(own_cloud, "too-soon", moment)
    main.lag = 0
    restore(own_cloud, "too-soon", moment)


def test_without_retention_there_is_no_moment(own_cloud: Cloud) -> None:
    modify = own_cloud.client("rds").modify_db_instance
    modify(DBInstanceIdentifier=MAIN, BackupRetentionPeriod=0, ApplyImmediately=True)
    assert "LatestRestorableTime" not in available(own_cloud, MAIN)
    with refused("PointInTimeRestoreNotEnabled"):
        restore(own_cloud, "never")
    modify(DBInstanceIdentifier=MAIN, BackupRetentionPeriod=7, ApplyImmediately=True)
    assert "LatestRestorableTime" in available(own_cloud, MAIN)


@pytest.mark.parametrize("status", ["failed", "incompatible-restore"])
def test_a_restore_ends_as_a_test_wants_it(own_cloud: Cloud, status: str) -> None:
    own_cloud.instances.next_restore_ends(status)
    restore(own_cloud, f"ends-{status}")
    seen = [instance(own_cloud, f"ends-{status}") for _ in range(2)]
    assert [one["DBInstanceStatus"] for one in seen] == ["creating", status]
    assert not any("Endpoint" in one for one in seen)


def test_a_restore_can_take_for_ever(own_cloud: Cloud) -> None:
    own_cloud.instances.next_restore_ends("creating")
    restore(own_cloud, "endless")
    assert {instance(own_cloud, "endless")["DBInstanceStatus"] for _ in range(5)} == {"creating"}
    own_cloud.client("rds").delete_db_instance(DBInstanceIdentifier="endless", SkipFinalSnapshot=True)


def test_a_restore_really_fails_and_says_why(own_cloud: Cloud) -> None:
    rds = own_cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier=MAIN, DBSnapshotIdentifier="empty")
    own_cloud.snapshots.get("empty").settle()
    control = own_cloud.snapshots.base_of("empty") / "global" / "pg_control"  # type: ignore[operator]
    control.unlink()
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="broken", DBSnapshotIdentifier="empty")
    own_cloud.instances.settle("broken")
    assert instance(own_cloud, "broken")["DBInstanceStatus"] == "failed"
    assert "did not start" in own_cloud.instances.get("broken").reason


def test_a_quota_is_met_once(own_cloud: Cloud) -> None:
    own_cloud.instances.refuse_next("InstanceQuotaExceeded")
    with refused("InstanceQuotaExceeded"):
        restore(own_cloud, "one-too-many")
    restore(own_cloud, "one-too-many")


@pytest.mark.parametrize("status", ["modifying", "storage-full"])
def test_nothing_begins_while_the_instance_is_held(own_cloud: Cloud, status: str) -> None:
    rds = own_cloud.client("rds")
    own_cloud.instances.hold(MAIN, status)
    assert instance(own_cloud, MAIN)["DBInstanceStatus"] == status
    with refused("InvalidDBInstanceState"):
        rds.create_db_snapshot(DBInstanceIdentifier=MAIN, DBSnapshotIdentifier=f"while-{status}")
    with refused("InvalidDBInstanceState"):
        rds.modify_db_instance(DBInstanceIdentifier=MAIN, MultiAZ=False, ApplyImmediately=True)
    own_cloud.instances.release(MAIN)
    rds.create_db_snapshot(DBInstanceIdentifier=MAIN, DBSnapshotIdentifier=f"while-{status}")


def test_a_change_is_seen_before_it_is_done(own_cloud: Cloud) -> None:
    rds = own_cloud.client("rds")
    rds.modify_db_instance(DBInstanceIdentifier=MAIN, AllocatedStorage=30, ApplyImmediately=True)
    assert [instance(own_cloud, MAIN)["DBInstanceStatus"] for _ in range(2)] == ["modifying", "available"]
    rds.modify_db_instance(DBInstanceIdentifier=MAIN, AllocatedStorage=40, ApplyImmediately=True)
    with refused("InvalidDBInstanceState"):
        rds.create_db_snapshot(DBInstanceIdentifier=MAIN, DBSnapshotIdentifier="in-between")
    rds.create_db_snapshot(DBInstanceIdentifier=MAIN, DBSnapshotIdentifier="in-between")
