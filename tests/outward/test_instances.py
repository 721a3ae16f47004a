"""What a restored instance or cluster gets of the old one, by the calls of RDS; and what is never deleted."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from tests.outward.rds_there import ROLE, TAGS, described, plan, settle
from tests.outward.rds_there import cloud as cloud
from tests.outward.rds_there import rds as rds
from tests.outward.recovery_fakes import ID, KEPT, RESTORED

from dbmigrate.adapters import carried
from dbmigrate.adapters.instances import Instances
from dbmigrate.domain.errors import DatabaseBusy, RestoreFailed, SwapFailed
from dbmigrate.domain.recovery import RecoveryPlan
from dbmigrate_local.cloud import Cloud


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


def test_the_copy_of_a_drill_is_cheaper_and_unprotected(rds: Any) -> None:
    drill = dataclasses.replace(plan(), kind="drill", restored="app-d-1", kept="")
    Instances(rds, "app", "db.t4g.small").restore(drill, TAGS)
    settle(rds, "app-d-1")
    made, old = described(rds, "app-d-1"), described(rds, "app")
    assert (made["DBInstanceClass"], made["MultiAZ"], made["DeletionProtection"]) == (
        "db.t4g.small",
        False,
        False,
    )
    assert old["MultiAZ"] and old["DBInstanceClass"] == "db.m7g.large"
    Instances(rds, "app").discard("app-d-1", ID)


def test_without_a_class_of_its_own_a_drill_has_the_databases(rds: Any) -> None:
    Instances(rds, "app").restore(dataclasses.replace(plan(), kind="drill", restored="app-d-1"), TAGS)
    settle(rds, "app-d-1")
    assert described(rds, "app-d-1")["DBInstanceClass"] == "db.m7g.large"
