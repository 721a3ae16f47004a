"""Aurora: a restored cluster gets members like the old ones, and goes with them when nobody takes it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.outward.rds_there import SHARED, TAGS, described, plan, settle
from tests.outward.rds_there import cloud as cloud
from tests.outward.recovery_fakes import ID

from dbmigrate.adapters import carried
from dbmigrate.adapters.clusters import Clusters
from dbmigrate.domain.errors import RestoreFailed
from dbmigrate.domain.recovery import RecoveryPlan
from dbmigrate_local.cloud import Cloud


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
