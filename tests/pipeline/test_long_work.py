"""A build that is longer than every invocation, through the real machine: waited for, adopted, finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pg8000.dbapi
import pytest
from tests.pipeline.histories import ORDERS, write_history
from tests.pipeline.pipeline import NUMBERS, Ending, Pipeline

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.bundle import digest_of, pack

INVOCATION = 2.0
INDEX = '''"""Find orders by address, while they are written

Rollback: drop the index.
"""
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index_concurrently("orders_by_email", "orders", ["email"])


def downgrade() -> None:
    op.drop_index_concurrently("orders_by_email", "orders")
'''


def index_bundle(pipeline: Pipeline) -> str:
    """Orders, and an index on them by a safe operation; returns the digest."""
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
    where = pipeline.server.endpoint
    other = pg8000.dbapi.connect(
        user=where.user, host=where.host, port=where.port, database=where.database, password=where.password
    )
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
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_by_email'::regclass"
    assert pipeline.query(valid) == [(True,)] and pipeline.revision == "0002"
