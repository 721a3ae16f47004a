"""Verifying, inspecting and closing: what is true afterwards."""

from __future__ import annotations

import pytest
from tests.domain.evidences import DIGEST
from tests.service.conftest import World

from dbmigrate.domain.errors import HistoryRejected, VerificationFailed
from dbmigrate.domain.progress import Progress
from dbmigrate.domain.unfinished import Unfinished
from dbmigrate.service.close import close, ended_run
from dbmigrate.service.inspect import status


def test_what_was_checked(world: World) -> None:
    plan = world.validate()
    world.upgrade_all(plan)
    checked = world.verify(plan)
    assert checked["checks"] == ["revision", "no invalid index", "catalog"]
    assert checked["fingerprint"].startswith("sha256:")
    world.database.server_major = 17
    assert world.verify(plan)["checks"] == ["revision", "no invalid index"]


def test_every_difference_is_named(world: World) -> None:
    plan = world.validate()
    world.upgrade(plan)
    world.database.invalid = ["public.ix"]
    with pytest.raises(VerificationFailed) as failed:
        world.verify(plan)
    for said in (
        "revision is a1, expected c3",
        "index public.ix is invalid",
        "table public.posts is missing",
    ):
        assert said in failed.value.message
    assert failed.value.exit_code == 4


def test_what_our_last_run_left_is_expected_to_be_there_yet(world: World) -> None:
    """Else a run that changed nothing wrong would be rolled back for what a run before it had accepted."""
    plan = world.validate()
    world.upgrade(plan)
    world.database.catalog_now["view"] = {"public.v": "SELECT 1"}
    world.database.close_run("run-1", "Succeeded", "", True)
    plan = world.validate("run-2")
    world.upgrade_all(plan, "run-2")
    world.database.catalog_now["view"] = {"public.v": "SELECT 1"}
    assert "catalog" in world.verify(plan)["checks"]
    world.database.catalog_now["view"] = {"public.w": "SELECT 1"}
    with pytest.raises(VerificationFailed, match="view public.v is missing"):
        world.verify(plan)
    world.database.server_major, world.database.heads = 17, {"a1"}
    assert "catalog" not in world.verify({**plan, "to": "a1", "from": "base"})["checks"]
    with pytest.raises(VerificationFailed, match="table public.posts is in no revision"):
        world.verify(plan, "rollback")


def test_an_unknown_revision_is_not_verified(world: World) -> None:
    plan = world.validate()
    world.upgrade_all(plan)
    world.database.heads |= {"zz"}
    with pytest.raises(VerificationFailed, match="revision is c3,zz, expected c3"):
        world.verify(plan)


def test_a_lost_answer_is_asked_for_again(world: World) -> None:
    plan = world.validate()
    assert (world.ask(plan)["status"], world.ask(plan)["completed"]) == ("continue", 0)
    world.upgrade(plan)
    assert (world.ask(plan)["status"], world.ask(plan)["completed"]) == ("continue", 1)
    assert world.ask(plan, "rollback")["status"] == "continue"
    world.upgrade_all(plan)
    assert (world.ask(plan)["status"], world.ask(plan)["completed"]) == ("done", 3)
    while world.roll_back(plan)["status"] != "done":
        pass
    assert (world.ask(plan, "rollback")["status"], world.ask(plan, "rollback")["completed"]) == ("done", 3)


def test_what_a_cut_revision_has_done_is_told_with_how_far_the_plan_is(world: World) -> None:
    plan = world.validate()
    assert world.ask(plan)["unfinished"] == []
    at = Progress("a1", "backfill", "users", "write", rows_done=5)
    world.database.half = [Unfinished(at, "name", "then", finished=False)] * 30
    answer = world.ask(plan)
    assert answer["status"] == "continue"
    assert answer["unfinished"] == ["backfill users name: step 1 of 1, write, 5 rows"] * 20


@pytest.mark.parametrize("elsewhere", ["b2", "zz"])
def test_a_database_off_the_plans_way_is_told(world: World, elsewhere: str) -> None:
    plan = world.validate()
    world.upgrade(plan)
    world.database.heads = {elsewhere}
    answer = world.ask(plan)
    assert answer["status"] == "failed"
    assert elsewhere in answer["reason"]


def test_the_status_of_a_database(world: World) -> None:
    fresh = status("staging", world.database, world.history, world.evidence)
    assert (fresh["current"], fresh["head"], fresh["pending"]) == ("base", "c3", ["a1", "b2", "c3"])
    assert (fresh["running"], fresh["last_run"], fresh["drift"], fresh["applied"]) == ([], None, False, 0)
    world.upgrade(world.validate())
    world.database.catalog_now["view"] = {"public.v": "SELECT 1"}
    busy = status("staging", world.database, world.history, world.evidence)
    assert [run["run"] for run in busy["running"]] == ["run-1"]
    assert busy["drift_differences"] == ["view public.v is in no revision: SELECT 1"]
    assert (busy["drift"], busy["applied"], busy["server"]) == (True, 1, "15.1")
    world.database.close_run("run-1", "Succeeded", "", False)
    assert status("staging", world.database, world.history)["last_run"]["outcome"] == "Succeeded"


def test_the_status_without_a_history_tells_what_the_ledger_knows(world: World) -> None:
    world.upgrade(world.validate())
    report = status("staging", world.database, None)
    assert (report["head"], report["pending"], list(report["applied_revisions"])) == (None, [], ["a1"])
    assert report["applied_revisions"]["a1"] == world.history.source_digest("a1")


def test_the_status_of_a_broken_history_is_a_refusal(world: World) -> None:
    class TwoHeads(type(world.history)):  # type: ignore[misc]
        @property
        def head(self) -> str:
            raise HistoryRejected("2 heads")

    with pytest.raises(HistoryRejected):
        status("staging", world.database, TwoHeads(world.evidence))


def closed(world: World, outcome: str, plan: dict[str, object], failure: object = None) -> dict[str, object]:
    return close("run-1", plan, outcome, failure, world.policy, world.database, world.bundles)


def test_a_success_is_recorded_and_the_lease_given_back(world: World) -> None:
    plan = world.validate()
    world.upgrade_all(plan)
    assert closed(world, "Succeeded", {**plan, "predicted_seconds": 4.0}) == {
        "seconds": 4.5,
        "slower": True,
        "began": "then (WAL 0/7)",
    }
    assert world.bundles.successes["staging", DIGEST] == {"run": "run-1", "plan": plan["digest"], "to": "c3"}
    assert world.database.look().open_run is None
    assert world.database.kept is not None and world.database.kept[0] == "c3"


def test_a_success_survives_a_bucket_that_fails_once(world: World) -> None:
    plan = world.validate()
    world.upgrade_all(plan)
    record, world.bundles.record_success = world.bundles.record_success, None  # type: ignore[assignment]
    with pytest.raises(TypeError):
        closed(world, "Succeeded", plan)
    world.bundles.record_success = record  # type: ignore[method-assign]
    assert closed(world, "Succeeded", plan)["seconds"] == 4.5
    assert world.bundles.has_succeeded("staging", DIGEST)


@pytest.mark.parametrize(("outcome", "kept"), [("RolledBack", True), ("NeedsManualRollback", False)])
def test_only_a_clean_end_is_remembered(world: World, outcome: str, kept: bool) -> None:
    plan = world.validate()
    world.upgrade(plan)
    failure = {"Error": "RevisionFailed", "Cause": "division by zero"}
    assert closed(world, outcome, {**plan, "predicted_seconds": 60.0}, failure)["slower"] is False
    assert world.bundles.successes == {}
    assert (world.database.kept is not None) is kept
    assert world.database.open[0]["detail"] == "RevisionFailed: division by zero"


def test_closing_a_run_that_never_began(world: World) -> None:
    assert closed(world, "ApprovalExpired", {}) == {"seconds": None, "slower": None, "began": None}


def test_a_success_of_a_way_back_proves_nothing(world: World) -> None:
    plan = world.validate()
    world.upgrade(plan)
    closed(world, "Succeeded", plan)
    assert world.bundles.has_succeeded("staging", DIGEST)
    closed(world, "RolledBack", {**plan, "direction": "downgrade"})
    assert world.bundles.has_succeeded("staging", DIGEST), "only a way back that was walked to its end undoes"
    closed(world, "Succeeded", {**plan, "direction": "downgrade"})
    assert not world.bundles.has_succeeded("staging", DIGEST)


def test_the_event_of_an_ended_execution() -> None:
    event = {"detail": {"name": "run-1", "status": "ABORTED", "cause": "by ann"}}
    assert ended_run(event) == ("run-1", "ABORTED", {"Error": None, "Cause": "by ann"})
