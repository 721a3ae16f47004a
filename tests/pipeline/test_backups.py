"""Nothing is upgraded without a backup: whatever is wrong ends with what, why and what to type next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.pipeline.conftest import Open
from tests.pipeline.histories import ORDERS
from tests.pipeline.pipeline import Pipeline, get

from dbmigrate_local.cloud import Cloud


@pytest.fixture
def staging(request: pytest.FixtureRequest, open_pipeline: Open) -> Pipeline:
    """Over an instance, unless the test asks for a cluster."""
    cluster = getattr(request, "param", "instance") == "cluster"
    return open_pipeline("staging", **({"DatabaseCluster": "orders"} if cluster else {}))


def database(cloud: Cloud) -> str:
    return cloud.parameters["DatabaseCluster"] or cloud.parameters["DatabaseInstance"]


def without_retention(cloud: Cloud) -> Callable[[], object]:
    """Switch automated backups off; what is answered switches them on again."""
    rds, name = cloud.client("rds"), database(cloud)

    def keep(days: int) -> None:
        if cloud.parameters["DatabaseCluster"]:
            rds.modify_db_cluster(DBClusterIdentifier=name, BackupRetentionPeriod=days, ApplyImmediately=True)
            described = rds.describe_db_clusters
            named = {"DBClusterIdentifier": name}
        else:
            rds.modify_db_instance(
                DBInstanceIdentifier=name, BackupRetentionPeriod=days, ApplyImmediately=True
            )
            described = rds.describe_db_instances
            named = {"DBInstanceIdentifier": name}
        for _ in range(3):  # seen as modifying first
            described(**named)

    keep(0)
    return lambda: keep(7)


def being_modified(cloud: Cloud) -> Callable[[], object]:
    cloud.instances.hold(database(cloud), "modifying")
    return lambda: cloud.instances.release(database(cloud))


def fails(cloud: Cloud) -> None:
    cloud.snapshots.fail_next()


def ends_as(status: str) -> Callable[[Cloud], None]:
    return lambda cloud: cloud.snapshots.next_ends(status)


def over_quota(cloud: Cloud) -> None:
    cloud.snapshots.refuse_next("SnapshotQuotaExceeded")


CASES: dict[str, tuple[Callable[[Cloud], Any], str, str]] = {
    "failed": (fails, "is of no use: RDS calls it failed", "describe-events"),
    "creating for ever": (ends_as("creating"), "did not become available within 7200 s", "look at it in RDS"),
    "deleted under us": (ends_as("deleted"), "is gone, deleted while the run needed it", "CloudTrail"),
    "a status of another kind": (ends_as("incompatible-restore"), "it is incompatible-restore", "look at it"),
    "no retention": (without_retention, "BackupRetentionPeriod is 0", "--backup-retention-period 7"),
    "quota exceeded": (over_quota, "SnapshotQuotaExceeded", "delete snapshots that nobody needs"),
    "a modification is pending": (being_modified, "cannot be backed up now", "wait until RDS shows it"),
}


ASKED_BY_OTHER_NAMES = ("failed", "deleted under us", "no retention", "a modification is pending")
BROKEN = [*(("instance", case) for case in CASES), *(("cluster", case) for case in ASKED_BY_OTHER_NAMES)]


@pytest.mark.parametrize(("staging", "case"), BROKEN, indirect=["staging"])
def test_without_a_backup_nothing_is_upgraded(staging: Pipeline, case: str) -> None:
    break_it, why, next_step = CASES[case]
    mend = break_it(staging.cloud)
    try:
        ending = staging.deploy([ORDERS])
    finally:
        (mend or bool)()
    assert ending.outcome == "BackupFailed", ending
    assert why in ending.cause and next_step in ending.cause and "deploy" in ending.cause
    assert staging.revision is None
    assert not {"Request approval", "Upgrade"} & set(ending.states)
    (notice,) = (mail for mail in staging.mails("team@example.com") if "backup failed" in mail.subject)
    assert why in notice.body and next_step in notice.body
    assert staging.deploy([ORDERS]).outcome == "Succeeded"  # nothing of it stays in the way


def test_a_database_that_is_busy_for_a_while_is_waited_for(staging: Pipeline) -> None:
    release = being_modified(staging.cloud)
    arn = staging.start(staging.bundle([ORDERS]))
    staging.cloud.until(lambda: any(wait.seconds == 60 for wait in staging.cloud.waits))
    release()
    assert staging.finish(arn).outcome == "Succeeded"


def test_what_people_approve_late_has_a_new_backup(staging: Pipeline) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    staging.link(arn)
    staging.cloud.clock.advance(86_400 + 60)
    ending = staging.finish(arn)
    assert ending.outcome == "Succeeded" and ending.states.count("Start the backup") == 2
    run = arn.rsplit(":", 1)[-1]
    assert [name for name in staging.cloud.snapshots.names if run in name] == [
        f"db-migrate-{run}-1",
        f"db-migrate-{run}-2",
    ]
    assert f"db-migrate-{run}-2" in staging.mails("team@example.com")[-1].body


def test_people_see_to_which_moments_rds_could_go_back(staging: Pipeline) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    page = get(staging.link(arn))[1]
    assert "Any moment of the last 7 days" in page and "RDS goes on adding to it" in page
    assert staging.finish(arn).outcome == "Succeeded"
    assert "Restorable:" in staging.mails("team@example.com")[-1].body


def test_a_team_may_make_do_with_snapshots(open_pipeline: Open) -> None:
    pipeline = open_pipeline("staging", PointInTime="optional")
    mend = without_retention(pipeline.cloud)
    try:
        arn = pipeline.start(pipeline.bundle([ORDERS]))
        assert "None, the snapshot only" in get(pipeline.link(arn))[1]
        assert pipeline.finish(arn).outcome == "Succeeded"
    finally:
        mend()
