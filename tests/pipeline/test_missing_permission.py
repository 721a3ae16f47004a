"""What a run does when a role lacks what it needs: it fails, says so, and the database stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pg8000.dbapi
import pytest
from tests.pipeline.histories import NOTES, ORDERS
from tests.pipeline.pipeline import Pipeline, get, post

from dbmigrate.domain.errors import BadRequest
from dbmigrate_cli.stack import Stack


@contextmanager
def taken_away(pipeline: Pipeline, role: str) -> Iterator[None]:
    """The role without any permission, for a while: the deployment is shared."""
    iam, name = pipeline.cloud.client("iam"), pipeline.cloud.resources[role]
    kept = {
        policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    for policy in kept:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    try:
        yield
    finally:
        for policy, document in kept.items():
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


@pytest.mark.parametrize(
    "role", ["UpgradeFunctionRole", "StartBackupFunctionRole", "MigrationStateMachineRole"]
)
def test_a_run_notices_a_missing_permission(staging: Pipeline, role: str) -> None:
    with taken_away(staging, role):
        assert staging.deploy([ORDERS]).outcome not in ("Succeeded", "NothingPending")
        with pytest.raises(pg8000.dbapi.DatabaseError):
            staging.query("SELECT FROM orders")


def test_the_page_without_its_permissions_decides_nothing(staging: Pipeline) -> None:
    arn = staging.start(staging.bundle([ORDERS]))
    link = staging.link(arn)
    with taken_away(staging, "DecideFunctionRole"):
        assert get(link)[0] == 500
        assert post(link, decision="approve", code=staging.plan(arn).code)[0] == 500
    assert staging.asks(arn)
    assert staging.finish(arn).outcome == "Succeeded"


def test_a_lease_that_was_never_given_back_can_be_closed_by_hand(staging: Pipeline) -> None:
    stack = Stack("staging", "db-migrate-staging", staging.cloud.client)
    with taken_away(staging, "CloseFunctionRole"):
        arn = staging.start(staging.bundle([ORDERS]))
        dead = arn.rsplit(":", 1)[-1]
        assert staging.asks(arn)
        with pytest.raises(BadRequest, match="still runs"):
            stack.close(dead)
        assert staging.finish(arn).outcome == "Succeeded"
    refused = staging.deploy([ORDERS, NOTES])
    assert (
        refused.outcome == "RunInProgress" and f"--environment staging runs --close {dead}" in refused.cause
    )
    assert stack.close(dead)["seconds"] is not None and stack.close(dead)["seconds"] is None
    assert staging.deploy([ORDERS, NOTES]).outcome == "Succeeded"
