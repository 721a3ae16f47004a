"""What a restored instance or cluster gets of the old one, by the calls of RDS; and what is never deleted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.outward.recovery_fakes import ID, KEPT, RESTORED

from dbmigrate.adapters import carried
from dbmigrate.adapters.clusters import Clusters
from dbmigrate.adapters.instances import Instances
from dbmigrate.domain.errors import DatabaseBusy, RestoreFailed, SwapFailed
from dbmigrate.domain.recovery import RecoveryPlan
from dbmigrate_local.cloud import Cloud
from dbmigrate_local.stand_in import stand_in

TEMPLATE = Path(__file__).resolve().parents[1] / "local/project/template.yaml"
TAGS = {"recovery": ID, "environment": "staging"}
ROLE = "arn:aws:iam::123456789012:role/monitors"
SHARED = {
    "Engine": "postgres", "DBInstanceClass": "db.m7g.large", "PubliclyAccessible": False,
    "AutoMinorVersionUpgrade": False, "CopyTagsToSnapshot": True, "MonitoringInterval": 30,
    "CACertificateIdentifier": "rds-ca-rsa4096-g1", "MonitoringRoleArn": ROLE,
    "EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 31,
    "PreferredMaintenanceWindow": "sun:03:00-sun:03:30",
}  # fmt: skip


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """RDS without servers: what is described is all that is asked here."""
    with stand_in(TEMPLATE, {"Environment": "staging"}) as opened:
        yield opened


@pytest.fixture
def rds(cloud: Cloud) -> Any:
    """A database ``app`` that has everything that one can have."""
    client, ec2 = cloud.client("rds"), cloud.client("ec2")
    groups = prepare(client, ec2)
    client.create_db_instance(
        DBInstanceIdentifier="app",
        AllocatedStorage=500,
        MaxAllocatedStorage=900,
        MasterUsername="app",
        MasterUserPassword="secret123",
        MultiAZ=True,
        Port=6432,
        StorageType="gp3",
        Iops=13_000,
        BackupRetentionPeriod=14,
        PreferredBackupWindow="01:00-01:30",
        EnableIAMDatabaseAuthentication=True,
        EnableCloudwatchLogsExports=["postgresql", "upgrade"],
        DeletionProtection=True,
        DBParameterGroupName="ours",
        DBSubnetGroupName="ours",
        VpcSecurityGroupIds=groups,
        Tags=[{"Key": "team", "Value": "shop"}, {"Key": "recovery", "Value": "an-older-one"}],
        **SHARED,
    )
    settle(client, "app")
    client.create_db_snapshot(DBSnapshotIdentifier="before", DBInstanceIdentifier="app")
    settle_snapshot(client)
    return client


def prepare(client: Any, ec2: Any) -> list[str]:
    """The groups of the database; the ids of its security groups."""
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    client.create_db_parameter_group(
        DBParameterGroupName="ours", DBParameterGroupFamily="postgres17", Description="x"
    )
    client.create_db_subnet_group(DBSubnetGroupName="ours", DBSubnetGroupDescription="x", SubnetIds=subnets)
    return [ec2.create_security_group(GroupName="ours", Description="x", VpcId=vpc)["GroupId"]]


def described(client: Any, name: str) -> dict[str, Any]:
    return dict(client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])


def settle(client: Any, name: str) -> None:
    for _ in range(6):
        if described(client, name)["DBInstanceStatus"] == "available":
            return
    raise AssertionError(described(client, name)["DBInstanceStatus"])


def settle_snapshot(client: Any) -> None:
    for _ in range(4):
        (found,) = client.describe_db_snapshots(DBSnapshotIdentifier="before")["DBSnapshots"]
        if found["Status"] == "available":
            return
    raise AssertionError(found["Status"])


def plan(**changed: Any) -> RecoveryPlan:
    values = {"database": "app", "restored": RESTORED, "kept": KEPT, "snapshot": "before", **changed}
    return RecoveryPlan(recovery=ID, environment="staging", **values)


def restored(client: Any, wanted: RecoveryPlan) -> Instances:
    instances = Instances(client, "app")
    instances.restore(wanted, TAGS)
    settle(client, RESTORED)
    instances.carry_over(wanted)
    settle(client, RESTORED)
    return instances


def test_a_restored_instance_is_set_up_like_the_old_one(rds: Any) -> None:
    instances = restored(rds, plan())
    old, new = described(rds, "app"), described(rds, RESTORED)
    keys = {
        *carried.IN_RESTORE.values(),
        *carried.LATER.values(),
        "DBInstanceClass",
        "Iops",
        "AllocatedStorage",
    }
    keys |= {"DBParameterGroups", "VpcSecurityGroups", "EnabledCloudwatchLogsExports"}
    assert {key: old.get(key) for key in keys} == {key: new.get(key) for key in keys}
    assert (
        new["DBSubnetGroup"]["DBSubnetGroupName"] == "ours" and old["DbiResourceId"] != new["DbiResourceId"]
    )
    assert instances.differences(RESTORED, like="app") == []
    found = instances.look(RESTORED)
    assert found is not None and found.made_by(ID) and found.tags["team"] == "shop"
    assert not new["DeletionProtection"]
    instances.protect(RESTORED, like="app")
    assert described(rds, RESTORED)["DeletionProtection"]


def test_a_start_that_is_repeated_joins(rds: Any) -> None:
    instances = Instances(rds, "app")
    for _ in range(2):
        instances.restore(plan(), TAGS)
    assert [one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]].count(
        RESTORED
    ) == 1


def test_only_what_the_recovery_made_is_deleted(rds: Any) -> None:
    instances = restored(rds, plan())
    for name, recovery in (("app", "an-older-one"), ("app", ID), (RESTORED, "another")):
        with pytest.raises(RestoreFailed, match="so it is not deleted"):
            instances.discard(name, recovery)
    rds.modify_db_instance(DBInstanceIdentifier=RESTORED, DeletionProtection=True)
    settle(rds, RESTORED)
    instances.discard(RESTORED, ID)
    instances.discard(RESTORED, ID)
    assert instances.look(RESTORED) is None
    assert described(rds, "app")["DBInstanceStatus"] == "available"


def test_a_full_account_is_said_with_what_to_do(cloud: Cloud, rds: Any) -> None:
    cloud.instances.refuse_next("InstanceQuotaExceeded")
    with pytest.raises(RestoreFailed, match="InstanceQuotaExceeded") as refused:
        Instances(rds, "app").restore(plan(), TAGS)
    assert refused.value.hint.startswith("raise the quota of DB instances")


def test_what_rds_is_busy_with_is_waited_for(cloud: Cloud, rds: Any) -> None:
    cloud.instances.hold("app", "modifying")
    with pytest.raises(DatabaseBusy, match="InvalidDBInstanceState"):
        Instances(rds, "app").rename("app", KEPT)
    cloud.instances.release("app")


def test_a_name_that_is_taken_is_not_overwritten(rds: Any) -> None:
    instances = restored(rds, plan())
    with pytest.raises(SwapFailed, match="DBInstanceAlreadyExists"):
        instances.rename(RESTORED, "app")
    assert described(rds, "app")["DBInstanceIdentifier"] == "app"


def test_a_rename_is_seen_under_way(rds: Any) -> None:
    instances = restored(rds, plan())
    instances.rename("app", KEPT)
    moving = instances.look("app")
    assert moving is not None and moving.renames
    seen = [instances.look(KEPT) for _ in range(4)]
    assert seen[-1] is not None and seen[-1].status == "available" and instances.look("app") is None


def test_a_database_that_is_gone_is_no_pattern(rds: Any) -> None:
    with pytest.raises(RestoreFailed, match="nobody knows how its copy should be set up"):
        Instances(rds, "app-gone").restore(plan(database="app-gone"), TAGS)


def test_snapshots_are_found_by_name_and_by_database(rds: Any) -> None:
    instances = Instances(rds, "app")
    copy = instances.copy("before")
    assert copy is not None and (copy.source, copy.status) == ("app", "available")
    assert [one.id for one in instances.copies() if not one.id.startswith("rds:")] == ["before"]
    assert instances.copy("never") is None and instances.look("never") is None


@pytest.fixture
def aurora(cloud: Cloud) -> Any:
    """A cluster ``shop`` of two members."""
    client = cloud.client("rds")
    client.create_db_cluster(
        DBClusterIdentifier="shop",
        Engine="aurora-postgresql",
        MasterUsername="shop",
        MasterUserPassword="secret123",
        BackupRetentionPeriod=14,
        PreferredBackupWindow="01:00-01:30",
        PreferredMaintenanceWindow="sun:03:00-sun:03:30",
        EnableIAMDatabaseAuthentication=True,
        DeletionProtection=True,
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    settle_cluster(client, "shop")
    for number in (1, 2):
        member = SHARED | {"Engine": "aurora-postgresql", "PromotionTier": number}
        client.create_db_instance(DBInstanceIdentifier=f"shop-{number}", DBClusterIdentifier="shop", **member)
        settle(client, f"shop-{number}")
    client.create_db_cluster_snapshot(DBClusterSnapshotIdentifier="before", DBClusterIdentifier="shop")
    for _ in range(3):
        client.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="before")
    return client


def cluster_of(client: Any, name: str) -> dict[str, Any]:
    return dict(client.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0])


def settle_cluster(client: Any, name: str) -> None:
    for _ in range(6):
        if cluster_of(client, name)["Status"] == "available":
            return
    raise AssertionError(cluster_of(client, name)["Status"])


SHOP = {"database": "shop", "restored": "shop-r-1", "kept": "shop-before-1", "cluster": True}


def until_served(clusters: Clusters, wanted: RecoveryPlan) -> list[str]:
    """The words of the state machine until the copy serves."""
    seen = []
    for _ in range(12):
        clusters.complete(wanted)
        found = clusters.look(wanted.restored)
        assert found is not None
        seen.append(found.state)
        if found.state == "available":
            return seen
    raise AssertionError(seen)


def test_a_restored_cluster_gets_its_members_and_is_set_up_like_the_old_one(aurora: Any) -> None:
    clusters, wanted = Clusters(aurora, "shop"), plan(**SHOP)
    clusters.restore(wanted, TAGS)
    assert until_served(clusters, wanted)[0] == "creating"
    clusters.carry_over(wanted)
    settle_cluster(aurora, "shop-r-1")
    members = [described(aurora, f"shop-r-1-{number}") for number in (1, 2)]
    for number, member in enumerate(members, 1):
        old = described(aurora, f"shop-{number}")
        keys = {*carried.IN_MEMBER.values(), *carried.MONITORING.values()}
        assert {key: old.get(key) for key in keys} == {key: member.get(key) for key in keys}
        assert {"Key": "recovery", "Value": ID} in member["TagList"]
    old, new = cluster_of(aurora, "shop"), cluster_of(aurora, "shop-r-1")
    keys = {*carried.LATER_CLUSTER.values(), "IAMDatabaseAuthenticationEnabled", "VpcSecurityGroups"}
    assert {key: old.get(key) for key in keys} == {key: new.get(key) for key in keys}
    assert clusters.differences("shop-r-1", like="shop") == []


def test_a_drill_needs_one_member(aurora: Any) -> None:
    clusters, wanted = Clusters(aurora, "shop"), plan(**SHOP, kind="drill")
    clusters.restore(wanted, TAGS)
    until_served(clusters, wanted)
    assert [one["DBInstanceIdentifier"] for one in cluster_of(aurora, "shop-r-1")["DBClusterMembers"]] == [
        "shop-r-1-1"
    ]


def test_a_cluster_is_discarded_with_its_members_and_never_the_old_one(aurora: Any) -> None:
    clusters, wanted = Clusters(aurora, "shop"), plan(**SHOP)
    clusters.restore(wanted, TAGS)
    until_served(clusters, wanted)
    with pytest.raises(RestoreFailed, match="so it is not deleted"):
        clusters.discard("shop", ID)
    clusters.discard("shop-r-1", ID)
    clusters.discard("shop-r-1", ID)
    assert len(cluster_of(aurora, "shop")["DBClusterMembers"]) == 2


CALLS = {
    "RestoreDBInstanceFromDBSnapshot": {*carried.IN_RESTORE, "Iops", "StorageThroughput", "Tags"},
    "RestoreDBInstanceToPointInTime": {*carried.IN_RESTORE, "Iops", "StorageThroughput", "Tags"},
    "RestoreDBClusterFromSnapshot": {*carried.IN_CLUSTER_RESTORE, "ServerlessV2ScalingConfiguration", "Tags"},
    "RestoreDBClusterToPointInTime": {
        *carried.IN_CLUSTER_RESTORE,
        "ServerlessV2ScalingConfiguration",
        "Tags",
    },
    "CreateDBInstance": {*carried.IN_MEMBER, *carried.MONITORING, "Tags"},
    "ModifyDBInstance": {*carried.LATER, "CloudwatchLogsExportConfiguration", "NewDBInstanceIdentifier"},
    "ModifyDBCluster": {
        *carried.LATER_CLUSTER,
        "CloudwatchLogsExportConfiguration",
        "NewDBClusterIdentifier",
    },
}


@pytest.mark.parametrize("operation", CALLS)
def test_rds_knows_every_parameter(operation: str) -> None:
    model = boto3.client("rds", region_name="us-east-1").meta.service_model
    assert set(model.operation_model(operation).input_shape.members) >= CALLS[operation]


def test_small_gp3_volumes_have_nothing_to_tune() -> None:
    old = {"StorageType": "gp3", "Iops": 3000, "StorageThroughput": 125}
    assert carried.restore_values({**old, "AllocatedStorage": 100}) == {"StorageType": "gp3"}
    assert carried.restore_values({**old, "AllocatedStorage": 400}) == {**old}


def test_what_hangs_on_the_old_one_is_listed() -> None:
    old = {
        "ReadReplicaDBInstanceIdentifiers": ["app-2"],
        "AssociatedRoles": [{"RoleArn": ROLE}],
        "MasterUserSecret": {"SecretArn": "arn:1"},
    }
    assert carried.not_carried(old) == (
        "read replicas still follow the old instance: app-2",
        f"roles that the old instance may assume have to be associated again: {ROLE}",
        "the master password is no longer managed",
    )


def test_a_moment_is_sent_with_its_zone() -> None:
    sent: dict[str, Any] = {}

    class Recorder:
        def restore_db_instance_to_point_in_time(self, **given: Any) -> None:
            sent.update(given)

    wanted = dataclasses.replace(plan(snapshot=None, time="2027-01-15T08:00:00.500000+00:00"))
    Instances(Recorder(), "app")._restore(wanted, {}, [])
    assert sent["RestoreTime"] == datetime(2027, 1, 15, 8, 0, 0, 500_000, UTC)
    assert (sent["SourceDBInstanceIdentifier"], sent["TargetDBInstanceIdentifier"]) == ("app", RESTORED)
