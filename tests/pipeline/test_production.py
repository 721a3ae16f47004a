"""Production: nothing comes in unproven, nothing goes back by itself, people go back by the same gates."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.pipeline.histories import NOTES, ORDERS, UNIQUE
from tests.pipeline.pipeline import Ending, Pipeline

TWO_ROWS = "INSERT INTO orders (id, email) VALUES (1, 'ada@example.com'), (2, 'ada@example.com')"


def prove(pipeline: Pipeline, digest: str) -> None:
    """What staging leaves behind after a success."""
    bucket = pipeline.cloud.parameters["PrecedingBucket"]
    key = f"succeeded/staging/{digest.removeprefix('sha256:')}.json"
    pipeline.cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps({"run": "staging-1"}))


def deploy(pipeline: Pipeline, changes: list, **request: object) -> tuple[str, Ending]:
    digest = pipeline.bundle(changes)
    prove(pipeline, digest)
    arn = pipeline.start(digest, **request)
    return arn.rsplit(":", 1)[-1], pipeline.finish(arn)


@pytest.fixture
def failed_run(production: Pipeline) -> tuple[str, Ending]:
    deploy(production, [ORDERS])
    production.query(TWO_ROWS)
    return deploy(production, [ORDERS, NOTES, UNIQUE])


def test_a_bundle_that_never_succeeded_in_staging_is_refused(production: Pipeline) -> None:
    ending = production.deploy([ORDERS])
    assert ending.outcome == "ValidationFailed" and "NotYetProven" in ending.cause
    assert "db-migrate --environment staging deploy" in ending.cause


def test_a_bundle_that_staging_already_stands_at_is_proven(open_pipeline: Callable[..., Pipeline]) -> None:
    staging = open_pipeline("staging")
    staging.deploy([ORDERS])
    digest = staging.bundle([ORDERS])
    key = f"succeeded/staging/{digest.removeprefix('sha256:')}.json"
    staging.cloud.client("s3").delete_object(Bucket=staging.bucket, Key=key)
    assert staging.finish(staging.start(digest)).outcome == "NothingPending"
    assert staging.cloud.client("s3").get_object(Bucket=staging.bucket, Key=key)["Body"].read()


def test_a_proven_bundle_succeeds(production: Pipeline) -> None:
    _, ending = deploy(production, [ORDERS, NOTES])
    assert ending.outcome == "Succeeded", ending


def test_a_failure_is_left_to_a_person(production: Pipeline, failed_run: tuple[str, Ending]) -> None:
    run, ending = failed_run
    assert ending.outcome == "NeedsManualRollback" and "Roll back" not in ending.states
    assert ending.cause.endswith(f"Run: db-migrate --environment production rollback --run {run}")
    assert production.revision == "0002"


def test_a_persons_rollback_takes_the_same_gates(
    production: Pipeline, failed_run: tuple[str, Ending]
) -> None:
    run, _ = failed_run
    digest = production.query(f"SELECT bundle FROM dbmigrate.run WHERE name = '{run}'")[0][0]
    ending = production.finish(production.start(digest, rollback_of=run))
    assert ending.outcome == "Succeeded", ending
    assert {"Start the backup", "Request approval", "Verify"} <= set(
        ending.states
    ) and "Roll back" not in ending.states
    assert production.revision == "0001" and production.columns("orders") == {"id", "email"}
    assert production.query("SELECT count(*) FROM orders") == [(2,)]


def test_there_is_no_rollback_to_invoke(production: Pipeline) -> None:
    assert "UpgradeFunction" in production.cloud.resources
    assert "RollBackFunction" not in production.cloud.resources


@pytest.mark.parametrize("reason", ["the shop is down", None])
def test_force_is_refused(production: Pipeline, reason: str | None) -> None:
    digest = production.bundle([ORDERS])
    prove(production, digest)
    ending = production.finish(production.start(digest, force=True, reason=reason))
    assert ending.outcome == "ForceRefused" and production.revision is None


def test_broken_glass_lets_a_force_through_and_tells_everyone(open_pipeline: object) -> None:
    production = open_pipeline("production", BreakGlass="yes")  # type: ignore[operator]
    _, ending = deploy(production, [ORDERS], force=True, reason="the shop is down")
    assert ending.outcome == "Succeeded" and "Request approval" not in ending.states
    notices = production.notices()
    assert len(notices) == 3 and "ForcedRunsAlarm" in notices[1], notices
    assert any("the shop is down" in mail.body for mail in production.mails("team@example.com"))
