"""Each revision of the sample history is undone with rows in place: whole, or not without a person."""

from __future__ import annotations

import pytest
from tests.pipeline.conftest import Switchboard
from tests.pipeline.pipeline import APPROVER, Pipeline
from tests.pipeline.samples import MIGRATIONS, Samples, Walk

from dbmigrate.adapters.history import load_history
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres

HISTORY = load_history(MIGRATIONS)
ORDER = HISTORY.order
BELOW = {revision: next(iter(HISTORY.revisions[revision].down), None) for revision in ORDER}
BY_HAND = ("0016", "0010", "0007")  # a unique constraint, an enum's value, an index
# What a way back straight after the upgrade would not bring back.
LOSSY = {"0012": "0012 overwrites public.users.name", "0014": "0014 drops public.users.full_name"}
# What has been written since, in rows that are there.
HELD = {
    "0001": ["drops public.users and its 3 rows"],
    "0002": ["drops public.api_keys and its 3 rows"],
    "0003": ["drops public.conversations and its 3 rows", "drops public.messages and its 6 rows"],
    "0004": ["drops public.campaigns and its 1 row", "drops public.posts and its 3 rows"],
    "0005": ["drops public.analytics_events and its 3 rows"],
    "0006": ["drops public.users.completed_steps and its 3 values"],
    "0011": ["drops public.users.name and its 3 values"],
    "0012": ["does not bring back what it took from public.users.name"],
    "0014": ["does not bring back what it took from public.users.full_name"],
}


@pytest.fixture(scope="module")
def walked(
    switchboard: Switchboard, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Walk]:
    cloud = switchboard.cloud_for({"Environment": "staging", "FirstApprover": APPROVER})
    server = DatabaseServer(postgres.create_database("samples"), postgres, None)
    cloud.runtime.give(DATABASE_NAME="samples")
    return dict(Samples(Pipeline(cloud, server, tmp_path_factory.mktemp("samples"))).walk(BY_HAND))


@pytest.mark.parametrize("revision", ORDER)
def test_a_run_that_fails_goes_back_whole_or_leaves_it_to_a_person(
    walked: dict[str, Walk], revision: str
) -> None:
    walk = walked[revision]
    before, after = walk.rows
    if revision not in LOSSY:
        assert after == before, "every row is what it was"
        assert walk.failed.outcome == "RolledBack" and walk.stands == BELOW[revision], walk.failed
        return
    assert walk.failed.outcome == "NeedsManualRollback" and "Roll back" not in walk.failed.states
    assert "Run: db-migrate --environment staging recover --before-run " in walk.failed.cause
    assert LOSSY[revision] in walk.notice and walk.stands == revision


@pytest.mark.parametrize("revision", ORDER)
def test_by_hand_it_is_undone_or_refused_with_what_would_be_lost(
    walked: dict[str, Walk], revision: str
) -> None:
    asked = walked[revision].asked
    if revision not in HELD:
        assert asked["reversible"] is True and asked["losses"] == []
        return
    assert asked["errorType"] == "NotReversible"
    for loss in HELD[revision]:
        assert f"undoing {revision} {loss}\n" in asked["errorMessage"]
    assert "recover --before-run first; or accept the loss: " in asked["errorMessage"]
    assert f"rollback --to {BELOW[revision] or 'base'} --accept-loss" in asked["errorMessage"]


@pytest.mark.parametrize("revision", BY_HAND)
def test_what_loses_nothing_goes_through_the_gates(walked: dict[str, Walk], revision: str) -> None:
    ending = walked[revision].by_hand
    assert ending is not None and ending.outcome == "Succeeded", ending
    gates = {"Start the backup", "Request approval", "Upgrade", "Verify", "Watch the application"}
    assert gates <= set(ending.states) and "Roll back" not in ending.states
