"""A backup's second home, and its end: copies in another Region, and what is deleted each day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from moto.kms.models import kms_backends
from moto.rds.models import rds_backends
from tests.pipeline.conftest import Open
from tests.pipeline.histories import NOTES, ORDERS, Change
from tests.pipeline.pipeline import Pipeline, get

from dbmigrate_local.account import ACCOUNT, REGION
from dbmigrate_local.cloud import Cloud

ELSEWHERE = "eu-central-1"
FRIEND = "210987654321"
MORE = Change("0003", ("ALTER TABLE orders ADD more text",), ("ALTER TABLE orders DROP more",))


both = pytest.mark.parametrize("staging", ["instance", "cluster"], indirect=True)


@pytest.fixture
def staging(request: pytest.FixtureRequest, open_pipeline: Open) -> Pipeline:
    """A stack that copies its backups elsewhere, shares them and keeps two; of an instance, unless the test
    asks for a cluster."""
    kind = getattr(request, "param", "instance")
    cluster = {"DatabaseCluster": "orders"} if kind == "cluster" else {}
    given = {"BackupCopyRegion": ELSEWHERE, "BackupShareAccount": FRIEND, "BackupsKept": "2"}
    pipeline = open_pipeline("staging", **cluster, **given)
    for region in (REGION, ELSEWHERE):
        for name in snapshots(pipeline.cloud, region):
            drop(pipeline.cloud, name, region)
    return pipeline


def kind(cloud: Cloud) -> str:
    return "cluster_snapshots" if cloud.parameters["DatabaseCluster"] else "database_snapshots"


def snapshots(cloud: Cloud, region: str = REGION) -> dict[str, Any]:
    """What people would see in RDS, by name; moto's own objects, which tests make old."""
    found = getattr(rds_backends[ACCOUNT][region], kind(cloud))
    return {name: made for name, made in found.items() if not name.startswith("rds:")}


def drop(cloud: Cloud, name: str, region: str) -> None:
    del getattr(rds_backends[ACCOUNT][region], kind(cloud))[name]


def deployed(pipeline: Pipeline, changes: Sequence[Change]) -> str:
    """The name of the backup of a run that succeeded."""
    arn = pipeline.start(pipeline.bundle(changes))
    assert pipeline.finish(arn).outcome == "Succeeded"
    return f"db-migrate-{arn.rsplit(':', 1)[-1]}-1"


def grow_old(cloud: Cloud) -> None:
    for region in (REGION, ELSEWHERE):
        for made in snapshots(cloud, region).values():
            made.created -= timedelta(days=3)


def prune(cloud: Cloud) -> list[str]:
    answer, failed = cloud.invoke("PruneBackupsFunction", {})
    assert failed is None and answer["remain"] == [], answer
    return list(answer["deleted"])


@both
def test_a_copy_elsewhere_is_waited_for_shared_and_shown(staging: Pipeline) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    page = get(staging.link(arn))[1]
    name = f"db-migrate-{arn.rsplit(':', 1)[-1]}-1"
    assert f"{name}, its copy in {ELSEWHERE}, shared with {FRIEND}" in page
    original, copy = snapshots(staging.cloud)[name], snapshots(staging.cloud, ELSEWHERE)[f"{name}-copy"]
    assert copy.status == "available" and copy.kms_key_id == staging.cloud.parameters["BackupCopyKeyArn"]
    assert copy.tags == original.tags and copy.tags
    assert set(copy.attributes["restore"]) == {FRIEND} and original.attributes["restore"] == []
    assert staging.finish(arn).outcome == "Succeeded"
    assert f"its copy in {ELSEWHERE}" in staging.mails("team@example.com")[-1].body


def copies_end(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, *endings: str) -> None:
    """The next copies end so, and not their originals."""
    copy, left = cloud.snapshots.copy, list(endings)

    def begin(source: str, name: str) -> Any:
        if left:
            cloud.snapshots.next_ends(left.pop(0))
        return copy(source, name)

    monkeypatch.setattr(cloud.snapshots, "copy", begin)


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("failed", "-copy is of no use: RDS calls it failed"),
        ("creating", f"its copy in {ELSEWHERE} is creating, 50 % done"),
    ],
)
def test_a_copy_that_does_not_become_available_is_no_backup(
    staging: Pipeline, monkeypatch: pytest.MonkeyPatch, ending: str, said: str
) -> None:
    copies_end(staging.cloud, monkeypatch, ending)
    ended = staging.deploy([ORDERS])
    assert ended.outcome == "BackupFailed" and said in ended.cause, ended
    assert staging.revision is None and "Request approval" not in ended.states


def test_a_copy_that_somebody_deletes_is_made_again(
    staging: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies_end(staging.cloud, monkeypatch, "deleted")
    assert staging.deploy([ORDERS]).outcome == "Succeeded"
    assert len(snapshots(staging.cloud, ELSEWHERE)) == 1


def test_a_key_that_may_not_be_used_is_named(staging: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    key = staging.cloud.parameters["BackupCopyKeyArn"]
    monkeypatch.delitem(kms_backends[ACCOUNT][ELSEWHERE].keys, key.rsplit("/", 1)[-1])
    ending = staging.deploy([ORDERS])
    assert ending.outcome == "BackupFailed" and staging.revision is None
    assert f"cannot be copied to {ELSEWHERE}" in ending.cause and "KMSKeyNotAccessible" in ending.cause
    assert f"role may use {key}" in ending.cause


@both
def test_old_backups_go_each_day_and_everyone_is_told(staging: Pipeline) -> None:
    cloud = staging.cloud
    names = [deployed(staging, changes) for changes in ([ORDERS], [ORDERS, NOTES], [ORDERS, NOTES, MORE])]
    assert prune(cloud) == []  # all are of today
    grow_old(cloud)
    gone = [names[0], f"{names[0]}-copy"]
    assert prune(cloud) == gone
    assert list(snapshots(cloud)) == names[1:]
    assert list(snapshots(cloud, ELSEWHERE)) == [f"{name}-copy" for name in names[1:]]
    mails = staging.mails("team@example.com")
    assert mails[-1].subject == "[db-migrate] staging: 2 old backups deleted"
    assert all(name in mails[-1].body for name in gone)
    assert prune(cloud) == [] and len(staging.mails("team@example.com")) == len(mails)


def test_a_run_that_waits_for_a_person_keeps_its_backup(staging: Pipeline) -> None:
    waiting = staging.start(staging.bundle([ORDERS]))
    staging.link(waiting)
    name = f"db-migrate-{waiting.rsplit(':', 1)[-1]}-1"
    others = [take(staging.cloud, f"db-migrate-later-{number}", name) for number in (1, 2)]
    grow_old(staging.cloud)
    snapshots(staging.cloud)[name].created -= timedelta(days=1)  # the oldest of three, of which two are kept
    assert prune(staging.cloud) == []
    assert staging.finish(waiting).outcome == "Succeeded"
    assert prune(staging.cloud) == [name]
    assert set(snapshots(staging.cloud)) == set(others)


def take(cloud: Cloud, name: str, like: str) -> str:
    """A backup of another run, tagged like that of this one."""
    tags = [tag for tag in snapshots(cloud)[like].tags if tag["Key"] != "run"]
    rds = cloud.client("rds")
    if cluster := cloud.parameters["DatabaseCluster"]:
        names = {"DBClusterIdentifier": cluster, "DBClusterSnapshotIdentifier": name}
        rds.create_db_cluster_snapshot(**names, Tags=[*tags, {"Key": "run", "Value": name}])
    else:
        names = {"DBInstanceIdentifier": cloud.parameters["DatabaseInstance"], "DBSnapshotIdentifier": name}
        rds.create_db_snapshot(**names, Tags=[*tags, {"Key": "run", "Value": name}])
    cloud.snapshots.get(name).settle()
    snapshots(cloud)[name].status = "available"
    return name


def test_what_is_not_tagged_as_ours_is_out_of_reach(staging: Pipeline) -> None:
    """Not only of the code: the role may not delete it either."""
    names = [deployed(staging, changes) for changes in ([ORDERS], [ORDERS, NOTES], [ORDERS, NOTES, MORE])]
    grow_old(staging.cloud)
    oldest = snapshots(staging.cloud)[names[0]]
    oldest.tags = [tag for tag in oldest.tags if tag["Key"] != "db-migrate"]
    assert prune(staging.cloud) == [f"{names[0]}-copy"] and names[0] in snapshots(staging.cloud)
