"""What validation refuses, and what the plan says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.domain.evidences import DIGEST, history, seen
from tests.service.conftest import THREE, World

from dbmigrate.domain.effects import Act, Effects, Lock
from dbmigrate.domain.errors import (
    BadRequest,
    BundleRejected,
    DriftFound,
    EditedRevision,
    FindingsBlock,
    ForceRefused,
    HistoryRejected,
    NotReversible,
    NotYetProven,
    RunInProgress,
    UnknownRevision,
    WrongEnvironment,
)
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.sizes import SMALL_BYTES
from dbmigrate.service.validate import read_request


def test_a_plan_from_nothing(world: World) -> None:
    slim = world.validate()
    assert (slim["from"], slim["to"], slim["pending"]) == ("base", "c3", ["a1", "b2", "c3"])
    assert (slim["direction"], slim["reversible"], slim["requested_by"]) == (
        "upgrade",
        True,
        "ann@example.com",
    )
    whole = Plan.from_json(world.bundles.plans[slim["digest"]])
    assert whole.digest == slim["digest"]
    assert whole.steps[1].changes == ("~ table public.users", "+   column note text, nullable")
    assert world.database.lines == [], "validation changes nothing"


def test_nothing_pending_asks_for_nothing(world: World) -> None:
    world.upgrade_all(world.validate())
    world.database.close_run("run-1", "Succeeded", "", True)
    world.rule(preceded_by="elsewhere")
    assert world.validate("run-2", force=True)["total"] == 0


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (None, BadRequest),
        ([], BadRequest),
        ("x", BadRequest),
        ({}, BundleRejected),
        ({"bundle": "latest"}, BundleRejected),
        ({"bundle": DIGEST, "requested_by": 7}, BadRequest),
        ({"bundle": DIGEST, "reason": ["x"]}, BadRequest),
        ({"bundle": DIGEST, "rollback_of": {}}, BadRequest),
        ({"bundle": DIGEST, "rollback_to": 3}, BadRequest),
        ({"bundle": DIGEST, "rollback_of": "run-1", "rollback_to": "a1"}, BadRequest),
    ],
)
def test_a_malformed_request(request_: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_request(request_)


def test_the_request_cannot_say_more_than_it_may() -> None:
    asked = read_request(
        {"bundle": DIGEST, "force": "yes", "policy": {"backup": "skipped"}, "approval": "skipped"}
    )
    assert asked == {
        "bundle": DIGEST,
        "requested_by": "unknown",
        "force": False,
        "reason": None,
        "rollback_of": None,
        "rollback_to": None,
        "accept_loss": False,
        "terminate_blockers": False,
    }


def test_several_heads(world: World) -> None:
    two = World(history(seen("a1"), seen("b2", ("a1",)), seen("c3", ("a1",))))
    with pytest.raises(HistoryRejected, match="2 heads"):
        two.validate()


def test_an_unknown_current_revision(world: World) -> None:
    world.database.heads = {"zz"}
    with pytest.raises(UnknownRevision):
        world.validate()


def test_an_edited_revision_names_the_run_that_applied_it(world: World) -> None:
    world.upgrade(world.validate())
    world.history.edited = {"a1"}
    with pytest.raises(EditedRevision, match="a1 was applied by run-1 and has been edited since"):
        world.validate()
    world.history.edited = {"b2"}
    assert world.validate()["pending"] == ["b2", "c3"], "what is not applied may be edited"


def test_a_revision_that_was_undone_may_be_edited(world: World) -> None:
    plan = world.validate()
    world.upgrade(plan)
    world.upgrade(plan)
    world.database.heads = {"a1"}  # somebody typed `alembic downgrade`: the ledger does not know
    world.database.catalog_now = world.evidence.catalog_at(["a1"])
    world.history.edited = {"b2"}
    assert world.validate()["pending"] == ["b2", "c3"]


def test_drift_is_refused_with_its_differences(world: World) -> None:
    world.upgrade(world.validate())
    del world.database.catalog_now["column"]["public.users.name"]
    with pytest.raises(DriftFound, match="table public.users: column name is missing"):
        world.validate()


def test_a_catalog_that_our_last_run_left_is_no_drift(world: World) -> None:
    world.upgrade(world.validate())
    world.database.catalog_now["comment"] = {"x": "by hand, before us"}
    world.database.kept = ("a1", world.database.catalog())
    world.validate()
    world.database.kept = ("b2", world.database.catalog())
    with pytest.raises(DriftFound):
        world.validate()


def test_evidence_of_another_major_version_proves_no_drift(world: World) -> None:
    world.upgrade(world.validate())
    world.database.catalog_now["comment"] = {"x": "y"}
    world.database.server_major = 17
    world.validate()


def test_another_runs_lease(world: World) -> None:
    world.upgrade(world.validate())
    world.validate("run-1")
    with pytest.raises(RunInProgress, match="run-1"):
        world.validate("run-2")


def test_a_name_that_was_used_up(world: World) -> None:
    """Step Functions forgets it after 90 days; better refused here than after a backup and an approval."""
    world.upgrade(world.validate())
    world.database.close_run("run-1", "RolledBack", "", True)
    with pytest.raises(RunInProgress, match="run-1 has ended before"):
        world.validate("run-1")


def test_another_environments_database(world: World) -> None:
    world.database.stamp = "production"
    with pytest.raises(WrongEnvironment):
        world.validate()


def test_the_bundle_must_have_succeeded_before(world: World) -> None:
    world.rule(environment="production", preceded_by="staging")
    with pytest.raises(NotYetProven, match="succeeded in staging") as refused:
        world.validate()
    assert "--environment staging deploy" in refused.value.hint
    world.bundles.record_success("staging", DIGEST, {})
    world.validate()


def test_what_blocks_is_refused(world: World) -> None:
    index = Effects(
        "CREATE INDEX ix ON users (name)",
        locks=(Lock("public.users", "SHARE"),),
        builds=(("public.ix", "public.users"),),
        acts=(Act("create index", "public.users", "public.ix"),),
    )
    bad = seen("a1", changes=()), seen("b2", ("a1",), statements=(index,))
    world = World(history(replace(bad[0], changes=THREE.revisions["a1"].changes), bad[1]))
    world.upgrade(world.validate())
    world.database.bytes = {"public.users": 100 * SMALL_BYTES}
    with pytest.raises(FindingsBlock, match="DM104 b2"):
        world.validate()
    world.rule(environment="development")
    assert world.validate()["findings"] == {"note": 0, "review": 0, "block": 1}


def test_force_needs_what_the_policy_wants(world: World) -> None:
    with pytest.raises(ForceRefused, match="only with a reason"):
        world.validate(force=True)
    world.validate(force=True, reason="the site is down")
    world.rule(force="refused")
    with pytest.raises(ForceRefused, match="does not allow --force"):
        world.validate(force=True, reason="the site is down")


def test_ending_sessions_is_part_of_what_is_approved(world: World) -> None:
    plain, ending = world.validate(), world.validate(terminate_blockers=True)
    assert "terminate_blockers" not in plain and ending["terminate_blockers"] is True
    assert plain["digest"] != ending["digest"]
    assert world.validate(terminate_blockers="yes") == plain


def test_nobody_ends_sessions_without_an_approval(world: World) -> None:
    with pytest.raises(ForceRefused, match="staging ends other sessions only with an approval") as refused:
        world.validate(terminate_blockers=True, force=True, reason="outage")
    assert refused.value.hint.endswith("deploy --terminate-blockers")
    world.rule(approval="skipped", force="allowed")
    assert world.validate(terminate_blockers=True, force=True)["terminate_blockers"] is True


def test_losses_of_a_plan(world: World) -> None:
    gone = seen("b2", ("a1",), drops=("public.users.name",), changes=(("column", "public.users.name", None),))
    world = World(history(THREE.revisions["a1"], gone))
    assert world.validate()["losses"] == [], "what the plan itself makes holds nothing yet"
    world.upgrade(world.validate())
    slim = world.validate()
    assert (slim["losses"], slim["reversible"]) == (["b2 drops public.users.name"], False)


def applied_by(world: World, *runs: str) -> None:
    """Each run applies the next revision and ends."""
    for run in runs:
        world.upgrade(world.validate(run), run)
        world.database.close_run(run, "Succeeded", "", True)


def test_a_way_back_goes_from_the_newest_to_before_the_run(world: World) -> None:
    applied_by(world, "run-1")
    world.upgrade_all(world.validate("run-2"), "run-2")
    world.database.close_run("run-2", "Succeeded", "", True)
    slim = world.validate("run-3", rollback_of="run-2", accept_loss=True)
    assert (slim["direction"], slim["pending"]) == ("downgrade", ["c3", "b2"])
    assert (slim["from"], slim["to"], slim["rollback_of"]) == ("c3", "a1", "run-2")
    gone = {"c3": "public.posts", "b2": "public.users.note"}
    assert slim["losses"] == [f"undoing {by} drops {name} and what it holds" for by, name in gone.items()]
    assert slim["reversible"] is False, "who approves it must know"
    assert world.upgrade_all(slim, "run-3")["completed"] == 2
    assert world.database.current() == ("a1",)
    assert world.validate("run-3")["from"] == "a1"


def test_a_run_below_another_is_not_undone_alone(world: World) -> None:
    applied_by(world, "run-1", "run-2")
    with pytest.raises(NotReversible, match="run-1 cannot be undone alone: b2 was applied after it"):
        world.validate("run-3", rollback_of="run-1")


def test_what_plain_alembic_put_on_top_counts_too(world: World) -> None:
    applied_by(world, "run-1")
    world.database.heads = {"b2"}
    world.database.catalog_now = world.evidence.catalog_at(["b2"])
    with pytest.raises(NotReversible, match="b2 was applied after it"):
        world.validate("run-3", rollback_of="run-1")


def test_a_run_that_nobody_knows_is_not_undone(world: World) -> None:
    with pytest.raises(BadRequest, match="no run run-9 in this database's ledger"):
        world.validate(rollback_of="run-9")


def test_a_run_that_was_undone_already_leaves_nothing_to_do(world: World) -> None:
    applied_by(world, "run-1")
    back = world.validate("run-2", rollback_of="run-1", accept_loss=True)
    world.upgrade_all(back, "run-2")
    world.database.close_run("run-2", "Succeeded", "", True)
    assert world.validate("run-3", rollback_of="run-1")["pending"] == []
