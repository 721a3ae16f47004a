"""Two deploys at once, and approvals that were given for something else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from tests.pipeline.histories import NOTES, ORDERS, UNIQUE
from tests.pipeline.pipeline import Pipeline, get, post


@pytest.fixture
def name(database: str) -> str:
    """A name that no other test gave to a run."""
    return "staging-" + database.rpartition("/")[2].replace("_", "-")


def test_the_same_start_twice_is_one_run(staging: Pipeline, name: str) -> None:
    digest = staging.bundle([ORDERS])
    first = staging.start(digest, name)
    assert staging.start(digest, name) == first
    assert staging.finish(first).outcome == "Succeeded"


def test_another_input_under_the_same_name_is_told_apart(staging: Pipeline, name: str) -> None:
    digest = staging.bundle([ORDERS])
    arn = staging.start(digest, name)
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        staging.start(digest, name, force=True, reason="x")
    assert staging.finish(arn).outcome == "Succeeded"


def test_of_two_bundles_exactly_one_upgrades(staging: Pipeline, name: str) -> None:
    first = staging.start(staging.bundle([ORDERS]), f"{name}-first")
    second = staging.start(staging.bundle([ORDERS, NOTES]), f"{name}-second")
    assert staging.asks(first) and staging.asks(second)
    endings = [staging.finish(first), staging.finish(second)]
    assert [ending.outcome for ending in endings] == ["Succeeded", "PlanOutdated"], endings
    assert staging.revision == "0001"


def test_a_run_that_works_keeps_others_out(staging: Pipeline, name: str) -> None:
    staging.deploy([ORDERS])
    staging.query(
        "INSERT INTO dbmigrate.run (name, bundle, plan, direction, requested_by)"
        " VALUES ('other', 'b', 'p', 'upgrade', 'x')"
    )
    ending = staging.deploy([ORDERS, NOTES])
    assert ending.outcome == "RunInProgress" and "other" in ending.cause
    assert staging.revision == "0001"


def test_an_approval_holds_for_its_own_plan_only(staging: Pipeline, name: str) -> None:
    first = staging.start(staging.bundle([ORDERS]), f"{name}-first")
    link = staging.link(first)
    staging.decide(first, "approve")
    staging.end(first)
    second = staging.start(staging.bundle([ORDERS, UNIQUE]), f"{name}-second")
    code = staging.plan(second).code
    status, _ = post(link, decision="approve", code=code)
    assert status in (403, 409, 410) and staging.asks(second)
    staging.decide(second, "reject")
    assert staging.end(second).outcome == "ApprovalRejected"


def test_a_state_with_another_bundle_than_the_approved_one_upgrades_nothing(
    staging: Pipeline, name: str
) -> None:
    arn = staging.start(staging.bundle([ORDERS]), f"{name}-first")
    staging.decide(arn, "reject")
    staging.end(arn)
    asked = next(i.event for i in staging.cloud.invocations if "token" in i.event)
    other = {**asked["plan"], "bundle": staging.bundle([ORDERS, NOTES])}
    approval = {"status": "approved", "by": "x", "digest": asked["plan"]["digest"]}
    event = {"run": "r", "plan": other, "approval": approval, "force": {"asked": False, "allowed": False}}
    answer, failed = staging.cloud.invoke("UpgradeFunction", event)
    assert failed and answer["errorType"] == "PlanOutdated", answer
    assert staging.revision is None


def test_one_byte_more_is_refused(staging: Pipeline) -> None:
    digest = staging.bundle([replace(ORDERS, doc="A bundle that no warm function holds")])
    key = f"bundles/{digest.removeprefix('sha256:')}.tar.gz"
    bucket = staging.cloud.outputs["BundleBucketName"]
    content = staging.cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    staging.upload(digest, content + b"\0")
    ending = staging.finish(staging.start(digest))
    assert ending.outcome == "ValidationFailed" and "BundleRejected" in ending.cause
    assert staging.revision is None


def test_getting_any_link_changes_nothing(staging: Pipeline) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    link = staging.link(arn)
    for url in (link, link + "?decision=approve", link + "?code=" + staging.plan(arn).code, link[:-1]):
        get(url)
    assert staging.asks(arn) and staging.revision is None
    assert staging.finish(arn).outcome == "Succeeded"
