"""Upgrading and undoing, one step an invocation, and only what was approved."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.evidences import history, seen
from tests.service.conftest import THREE, World

from dbmigrate.domain.errors import LockNotFree, NotReversible, PlanOutdated, RevisionFailed, WorkContinues
from dbmigrate.domain.progress import Progress
from dbmigrate.domain.unfinished import Unfinished


def test_one_step_an_invocation(world: World) -> None:
    plan = world.validate()
    first = {
        "status": "applied",
        "revision": "a1",
        "seconds": 1.5,
        "lock_waits": 2,
        "completed": 1,
        "total": 3,
    }
    assert world.upgrade(plan) == first
    assert world.upgrade(plan)["revision"] == "b2"
    assert world.upgrade(plan) == {**first, "status": "done", "revision": "c3", "completed": 3}
    again = world.upgrade(plan)
    assert (again["status"], again["revision"], again["completed"]) == ("done", None, 3)


@pytest.mark.parametrize(
    "approval", [{}, {"status": "none"}, {"status": "approved"}, {"status": "approved", "digest": "sha256:0"}]
)
def test_nothing_moves_without_the_approval_of_this_plan(world: World, approval: dict[str, Any]) -> None:
    plan = world.validate()
    with pytest.raises(PlanOutdated):
        world.upgrade(plan, approval=approval)
    assert world.database.lines == []


@pytest.mark.parametrize(
    ("force", "policy", "moves"),
    [
        ({"asked": True, "allowed": True, "reason": "down"}, "with-reason", True),
        ({"asked": True, "allowed": True, "reason": ""}, "with-reason", False),
        ({"asked": True, "allowed": True}, "allowed", True),
        ({"asked": True, "allowed": True, "reason": "down"}, "refused", False),
        ({"asked": True, "allowed": False, "reason": "down"}, "with-reason", False),
        ({"asked": "true", "allowed": "true", "reason": "down"}, "with-reason", False),
        ({}, "allowed", False),
    ],
)
def test_force_replaces_an_approval_only_where_the_policy_says_so(
    world: World, force: dict[str, Any], policy: str, moves: bool
) -> None:
    plan = world.validate()
    world.rule(force=policy)
    if moves:
        assert world.upgrade(plan, approval={}, force=force)["revision"] == "a1"
    else:
        with pytest.raises(PlanOutdated):
            world.upgrade(plan, approval={}, force=force)


def test_another_bundle_under_an_approved_plan_is_refused(world: World) -> None:
    plan = world.validate()
    for key in ("bundle", "pending", "from", "environment"):
        with pytest.raises(PlanOutdated):
            world.upgrade({**plan, key: "sha256:" + "b" * 64})
    assert world.database.lines == []


def test_a_step_that_somebody_else_made_meanwhile_is_refused(world: World) -> None:
    plan = world.validate()
    world.upgrade(plan)
    world.database.meanwhile = lambda: world.database.heads.__ior__({"b2"})
    with pytest.raises(PlanOutdated, match="but the database stands at"):
        world.upgrade(plan)


def test_a_database_elsewhere_is_refused(world: World) -> None:
    plan = world.validate()
    world.database.heads = {"c3"}
    with pytest.raises(PlanOutdated, match="from base to c3, but the database stands at c3"):
        world.upgrade(plan)


@pytest.mark.parametrize("error", [LockNotFree("locked"), RevisionFailed("broke")])
def test_a_failed_step_can_be_tried_again(world: World, error: Exception) -> None:
    plan = world.validate()
    world.upgrade(plan)
    world.database.fails = {"b2": error}
    with pytest.raises(type(error)):
        world.upgrade(plan)
    assert world.database.current() == ("a1",)
    world.database.fails = {}
    assert world.upgrade(plan)["revision"] == "b2"


def test_a_way_back_undoes_what_the_run_applied_and_no_more(world: World) -> None:
    world.upgrade(world.validate("run-0"), "run-0")
    world.database.close_run("run-0", "Succeeded", "", True)
    plan = world.validate()
    world.upgrade(plan)
    assert (plan["pending"], world.database.current()) == (["b2", "c3"], ("b2",))
    back = world.roll_back(plan)
    assert (back["status"], back["revision"], back["total"]) == ("done", "b2", 2)
    assert world.database.current() == ("a1",)
    assert world.roll_back(plan)["revision"] is None
    assert world.verify(plan, "rollback")["checks"]


def test_a_way_back_takes_the_newest_first(world: World) -> None:
    plan = world.validate()
    world.upgrade_all(plan)
    steps = [world.roll_back(plan) for _ in range(3)]
    assert [(step["revision"], step["status"]) for step in steps] == [
        ("c3", "applied"), ("b2", "applied"), ("a1", "done")
    ]  # fmt: skip


@pytest.mark.parametrize("rollback", ["manual", "reset"])
def test_where_a_person_decides_nothing_is_undone(world: World, rollback: str) -> None:
    plan = world.validate()
    world.upgrade(plan)
    world.rule(rollback=rollback)
    with pytest.raises(NotReversible, match=f"rollback: {rollback}") as refused:
        world.roll_back(plan)
    assert refused.value.hint == "db-migrate --environment staging rollback --run run-1"
    assert world.database.current() == ("a1",)


def test_what_was_not_proved_lossless_is_not_undone() -> None:
    world = World(history(seen("a1", round_trip=False)))
    plan = world.validate()
    world.upgrade(plan)
    with pytest.raises(NotReversible, match="reversible: false"):
        world.roll_back(plan)
    with pytest.raises(PlanOutdated):
        world.roll_back({**plan, "reversible": True})


def test_nothing_below_a_half_is_undone(world: World) -> None:
    plan = world.validate()
    world.upgrade(plan)
    world.database.half = [Unfinished(Progress("b2", "backfill", "users", "fill"), "", "now", False)]
    with pytest.raises(NotReversible, match="b2 stands in part"):
        world.roll_back(plan)
    assert world.database.current() == ("a1",)
    world.database.half = [Unfinished(Progress("a1", "backfill", "users", "fill"), "", "now", False)]
    assert world.roll_back(plan)["status"] == "done"


def test_a_way_back_is_not_undone_by_itself(world: World) -> None:
    plan = world.validate()
    world.upgrade(plan)
    with pytest.raises(NotReversible):
        world.roll_back({**plan, "direction": "downgrade"})


BRANCHED = history(
    seen("a1", changes=THREE.revisions["a1"].changes),
    seen("b2", ("a1",), changes=(("relation", "public.b", "r"),)),
    seen("c3", ("a1",), changes=(("relation", "public.c", "r"),)),
    seen("d4", ("b2", "c3")),
)


@pytest.mark.parametrize("start", [(), ("a1",), ("b2",), ("c3",), ("b2", "c3")])
def test_a_branchy_history_goes_up_and_back_from_anywhere(start: tuple[str, ...]) -> None:
    world = World(BRANCHED)
    world.database.heads = set(start)
    world.database.catalog_now = BRANCHED.catalog_at(start)
    plan = world.validate()
    for left in range(plan["total"] - 1, -1, -1):
        assert world.ask(plan)["completed"] == plan["total"] - left - 1
        assert world.upgrade(plan)["completed"] == plan["total"] - left
    assert world.database.current() == ("d4",)
    world.verify(plan)
    while world.roll_back(plan)["status"] != "done":
        pass
    assert world.database.current() == start
    world.verify(plan, "rollback")


def test_work_that_continues_is_an_answer_and_no_failure(world: World) -> None:
    plan, at = world.validate(), Progress("a1", "backfill", "users", "write", rows_done=5, rows_total=10)
    world.database.fails["a1"] = WorkContinues(at, 30)
    answer = world.upgrade(plan)
    assert (answer["status"], answer["revision"], answer["wait"]) == ("working", "a1", 30)
    assert (answer["completed"], answer["total"], answer["work"]) == (0, 3, at.to_json())
    del world.database.fails["a1"]
    assert world.upgrade(plan)["status"] == "applied"
