"""An RDS without servers for the adapters of a recovery: a database that has everything that one can have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.outward.recovery_fakes import ID, KEPT, RESTORED

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
