"""A build that is longer than an invocation, through the real machine: adopted, paused, stopped, finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.pipeline.histories import ORDERS, write_history
from tests.pipeline.pipeline import DEVELOPER, NUMBERS, Ending, Pipeline

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate_cli.stack import RunEnded, Stack

INVOCATION = 2.0
INDEX = '''"""Find orders by address, while they are written

Rollback: drop the indexes.
"""
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index_concurrently("orders_by_email", "orders", ["email"])
    op.create_index_concurrently("orders_by_both", "orders", ["id", "email"])


def downgrade() -> None:
    op.drop_index_concurrently("orders_by_both", "orders")
    op.drop_index_concurrently("orders_by_email", "orders")
'''


def index_bundle(pipeline: Pipeline) -> str:
    """Orders, and indexes on them by safe operations; returns the digest."""
    postgres, number = pipeline.server.embedded, next(NUMBERS)
    assert postgres is not None
    folder = write_history(pipeline.folder / f"history-{number}", [ORDERS])
    (folder / "versions/0002_index.py").write_text(INDEX)
    history = load_history(folder)
    url = postgres.create_database(f"scratch_{number}")
    try:
        content = pack(history.files(), rehearse(history, target_from_url(url)))
    finally:
        postgres.drop_database(f"scratch_{number}")
    pipeline.upload(digest_of(content), content)
    return digest_of(content)


@contextmanager
def old_transaction(pipeline: Pipeline) -> Iterator[Callable[[], None]]:
    """What every build CONCURRENTLY waits for, until what is yielded is called."""
    other = pipeline.connect()
    other.autocommit = True
    try:
        other.cursor().execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.cursor().execute("SELECT count(*) FROM orders")
        yield lambda: other.cursor().execute("COMMIT") and None
    finally:
        other.close()


@pytest.fixture
def short_invocations(staging: Pipeline) -> Iterator[Pipeline]:
    assert staging.deploy([ORDERS]).outcome == "Succeeded"
    staging.query("INSERT INTO orders SELECT n, 'a' || n FROM generate_series(1, 2000) n")
    staging.cloud.runtime.limits["UpgradeFunction"] = INVOCATION
    yield staging
    staging.cloud.runtime.limits.clear()


def answers(pipeline: Pipeline, run: str) -> list[dict[str, Any]]:
    """What the Upgrade function said of work that goes on."""
    told = [
        i.payload
        for i in pipeline.cloud.invocations
        if i.logical_id == "UpgradeFunction" and i.event.get("run") == run and not i.failed
    ]
    return [answer for answer in told if answer["status"] == "working"]


def begun(pipeline: Pipeline, digest: str) -> tuple[str, str]:
    """A run whose build goes on from one invocation to the next: its ARN and its name."""
    arn = pipeline.start(digest)
    run = arn.rsplit(":", 1)[-1]
    pipeline.decide(arn, "approve")
    pipeline.cloud.until(lambda: len(answers(pipeline, run)) >= 2, 90, lambda: pipeline.cloud.story(arn))
    return arn, run


def stack_of(pipeline: Pipeline) -> Stack:
    """The environment as the command sees it."""
    return Stack("staging", "db-migrate-staging", pipeline.cloud.client)


def sessions(run: str) -> str:
    return f"SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'db-migrate {run[:40]}%'"


def paused(pipeline: Pipeline, run: str) -> list[dict[str, Any]]:
    return [answer for answer in answers(pipeline, run) if answer["work"].get("paused")]


def all_built(pipeline: Pipeline) -> bool:
    valid = "SELECT count(*) FROM pg_index WHERE indexrelid::regclass::text LIKE 'orders_by_%' AND indisvalid"
    return pipeline.query(valid) == [(2,)] and pipeline.revision == "0002"


def test_a_build_longer_than_an_invocation_is_waited_for(short_invocations: Pipeline) -> None:
    pipeline = short_invocations
    digest = index_bundle(pipeline)
    with old_transaction(pipeline) as commits:
        arn = pipeline.start(digest)
        run = arn.rsplit(":", 1)[-1]
        pipeline.decide(arn, "approve")
        pipeline.cloud.until(lambda: len(answers(pipeline, run)) >= 3, 90, lambda: pipeline.cloud.story(arn))
        commits()
        ended: Ending = pipeline.end(arn)
    assert ended.outcome == "Succeeded", ended
    assert ended.states.count("Wait for the work") >= 3 and "Ask the database" not in ended.states
    assert ended.states.count("Measure the server") == ended.states.count("Decide where to go on") + 1
    works = [said["work"] for said in answers(pipeline, run)]
    assert {work["table"] for work in works} == {"orders"}
    assert all("waiting for old snapshots" in work["detail"] and work["percent"] for work in works), works
    assert all_built(pipeline)


def test_a_run_that_is_stopped_in_mid_work_leaves_nothing_at_work_and_the_next_one_goes_on(
    short_invocations: Pipeline,
) -> None:
    pipeline, stack = short_invocations, stack_of(short_invocations)
    digest = index_bundle(pipeline)
    with old_transaction(pipeline) as commits:
        arn, run = begun(pipeline, digest)
        assert pipeline.query(sessions(run)) != []
        assert stack.end_execution(run, DEVELOPER) == "RUNNING"
        said = stack.steer(run, "stop", DEVELOPER)
        # Its invocation may say a last word; whatever built would wait for the old transaction.
        pipeline.cloud.until(lambda: pipeline.query(sessions(run)) == [])
        commits()
    assert pipeline.cloud.wait(arn)["status"] == "ABORTED"
    assert (said["stopped"], said["outcome"], said["held_by"]) == (True, "Stopped", None)
    (left,) = said["unfinished"]
    assert (left["revision"], left["table"]) == ("0002", "orders") and "orders_by_email" in str(left)
    assert said["invalid_indexes"] == ["public.orders_by_email"] and pipeline.revision == "0001"
    with pytest.raises(RunEnded, match="has ended as Stopped"):
        stack.steer(run, "pause", DEVELOPER)
    assert pipeline.finish(pipeline.start(digest)).outcome == "Succeeded"
    assert all_built(pipeline)


def test_a_run_that_is_paused_waits_between_two_steps_until_it_may_go_on(short_invocations: Pipeline) -> None:
    pipeline, stack = short_invocations, stack_of(short_invocations)
    digest = index_bundle(pipeline)
    with old_transaction(pipeline) as commits:
        arn, run = begun(pipeline, digest)
        assert stack.steer(run, "pause", DEVELOPER)["by"] == DEVELOPER
        commits()
    pipeline.cloud.until(lambda: bool(paused(pipeline, run)), 90, lambda: pipeline.cloud.story(arn))
    assert pipeline.query("SELECT to_regclass('orders_by_both')") == [(None,)]
    assert pipeline.cloud.execution(arn).status == "RUNNING"
    stack.steer(run, "resume", DEVELOPER)
    assert pipeline.end(arn).outcome == "Succeeded"
    assert all_built(pipeline)
