"""What a failed run destroyed comes back by a recovery that the policy began, on real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.pipeline.emergency import BEFORE, Emergency, emergency
from tests.pipeline.histories import DROPS, NOTES, ORDERS, Change
from tests.pipeline.pipeline import DEVELOPER

FAILS = Change("0003", (f"SELECT 1 / ({len(BEFORE)} - count(*)) FROM orders",), (), "Break on real rows")


@pytest.fixture
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emergency]:
    """Staging that recovers by itself, with rows of an application."""
    folder = tmp_path_factory.mktemp("by-policy")
    chosen = {"Environment": "staging", "RecoveryAfterFailure": "automatic"}
    with emergency(folder, password="not-asked-for", **chosen) as there:
        pipeline = there.pipeline
        assert pipeline.deploy([ORDERS]).outcome == "Succeeded"
        pipeline.query("CREATE ROLE shop LOGIN")
        pipeline.query("GRANT SELECT, INSERT ON orders TO shop")
        for number in BEFORE:
            there.write(f"INSERT INTO orders (id, email) VALUES ({number}, '{number}@example.com')")
        there.before = there.rows()
        yield there


def test_what_a_failed_run_destroyed_is_recovered_when_somebody_approves(staging: Emergency) -> None:
    pipeline = staging.pipeline
    failed = pipeline.start(pipeline.bundle([ORDERS, DROPS, FAILS]))
    ending, run = pipeline.finish(failed), failed.rpartition(":")[2]
    assert ending.outcome == "RecoveryStarted", ending.cause
    assert "RevisionFailed" in ending.cause
    assert ending.cause.endswith(" | Run: db-migrate --environment staging recover --list")
    assert any("0002 drops public.orders.email" in mail.body for mail in pipeline.mails("team@example.com"))

    (recovery,) = (one["executionArn"] for one in staging.executions())
    asked = json.loads(staging.input_of(recovery))
    assert (asked["before_run"], asked["requested_by"]) == (run, DEVELOPER)
    assert pipeline.asks(recovery), staging.ends(recovery).cause
    assert (staging.rows(), staging.lets_the_application_in()) == (
        [(number,) for number in BEFORE],
        False,
    ), "nothing is swapped while people decide"

    assert staging.finish(recovery).outcome == "Recovered"
    assert staging.rows() == staging.before and staging.lets_the_application_in()
    assert pipeline.query("SELECT name FROM dbmigrate.run WHERE ended_at IS NULL") == []
    assert pipeline.revision == "0001"
    again = pipeline.deploy([ORDERS, NOTES])
    assert again.outcome == "Succeeded", again
    assert staging.rows() == staging.before
    assert [decision for decision in staging.cloud.decisions if not decision.allowed] == []
