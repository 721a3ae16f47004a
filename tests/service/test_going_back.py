"""Going back: what would be lost is counted and refused, what was lost is noticed, whatever else writes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.domain.evidences import DIGEST, USERS, history, seen
from tests.service.conftest import World
from tests.service.test_validate import applied_by

from dbmigrate.domain.errors import BadRequest, NotReversible, VerificationFailed
from dbmigrate.domain.evidence import RevisionEvidence
from dbmigrate.domain.queries import Query
from dbmigrate.domain.smoke import Smoke
from dbmigrate.service.close import close

NOTE = (("column", "public.users.note", "text"),)


def world_of(*later: RevisionEvidence) -> World:
    """Users with a name, by the run before; the later revisions pend."""
    world = World(history(seen("a1", changes=USERS), *later))
    applied_by(world, "run-1")
    return world


def test_what_the_run_made_is_dropped_only_by_who_says_so(world: World) -> None:
    applied_by(world, "run-1", "run-2")
    world.database.counts = {"public.users.note": 3}
    with pytest.raises(NotReversible, match="drops public.users.note and its 3 values") as refused:
        world.validate("run-3", rollback_of="run-2")
    command = "db-migrate --environment staging"
    assert f"{command} recover --before-run run-2" in refused.value.hint
    assert refused.value.hint.endswith(f"{command} rollback --run run-2 --accept-loss")
    slim = world.validate("run-3", rollback_of="run-2", accept_loss=True)
    assert slim["accept_loss"] is True and slim["losses"] and slim["reversible"] is False
    assert world.upgrade(slim, "run-3")["status"] == "done"


def test_what_holds_nothing_is_no_loss(world: World) -> None:
    applied_by(world, "run-1", "run-2")
    world.database.counts = {"public.users.note": 0}
    slim = world.validate("run-3", rollback_of="run-2")
    assert (slim["losses"], slim["reversible"]) == ([], True) and "accept_loss" not in slim


def test_rows_that_only_the_rehearsal_missed_are_a_loss_too() -> None:
    """Neither the statements nor the catalog tell that a cast has cut what it did not understand."""
    narrowed = seen("b2", ("a1",), row_losses=(("public.users", "name", 2), ("public.users", None, 1)))
    world = world_of(narrowed)
    slim = world.validate("run-2")
    assert slim["reversible"] is False and slim["losses"] == [
        "undoing b2 changes public.users.name in 2 rows of the rehearsal",
        "undoing b2 loses 1 row of public.users in the rehearsal",
    ]
    world.upgrade_all(slim, "run-2")
    with pytest.raises(NotReversible):
        world.roll_back(slim, "run-2")
    world.database.close_run("run-2", "NeedsManualRollback", "", False)
    with pytest.raises(NotReversible, match="2 rows of the rehearsal"):
        world.validate("run-3", rollback_of="run-2")


def test_a_way_back_that_was_never_walked_is_a_loss() -> None:
    world = world_of(seen("b2", ("a1",), round_trip=False, round_trip_error="the way back fails: no such"))
    applied_by(world, "run-2")
    with pytest.raises(NotReversible, match="undoing b2 was never proved: the way back fails: no such"):
        world.validate("run-3", rollback_of="run-2")


def test_everything_above_a_revision_whichever_run_brought_it(world: World) -> None:
    applied_by(world, "run-1", "run-2", "run-3")
    with pytest.raises(NotReversible) as refused:
        world.validate("run-4", rollback_to="a1")
    assert "recover --before-run run-2;" in refused.value.hint, "the oldest that is undone"
    assert refused.value.hint.endswith("rollback --to a1 --accept-loss")
    slim = world.validate("run-4", rollback_to="a1", accept_loss=True)
    assert (slim["pending"], slim["from"], slim["to"]) == (["c3", "b2"], "c3", "a1")
    assert (slim["direction"], slim["rollback_of"]) == ("downgrade", None)
    world.upgrade_all(slim, "run-4")
    assert world.database.current() == ("a1",) and world.verify(slim)["checks"]
    world.database.close_run("run-4", "Succeeded", "", True)
    assert world.validate("run-5", rollback_to="base", accept_loss=True)["pending"] == ["a1"]


@pytest.mark.parametrize(("revision", "why"), [("c3", "is not applied here"), ("zz", "not in this history")])
def test_a_revision_to_which_there_is_no_way_back(world: World, revision: str, why: str) -> None:
    applied_by(world, "run-1", "run-2")
    with pytest.raises(BadRequest, match=f"Revision {revision} .*{why}.*stands at b2"):
        world.validate("run-3", rollback_to=revision)


def test_undone_by_one_run_none_of_its_bundles_goes_on_to_production(world: World) -> None:
    applied_by(world, "run-1", "run-2")
    world.database.open[0]["bundle"] = "sha256:" + "c" * 64
    for bundle in (DIGEST, "sha256:" + "c" * 64, "sha256:" + "d" * 64):
        world.bundles.record_success("staging", bundle, {})
    plan = world.validate("run-3", rollback_to="base", accept_loss=True)
    world.upgrade_all(plan, "run-3")
    close("run-3", plan, "Succeeded", None, world.policy, world.database, world.bundles)
    proved = [
        bundle[7]
        for bundle in ("sha256:a", "sha256:c", "sha256:d")
        if world.bundles.has_succeeded("staging", "sha256:" + bundle[7] * 64)
    ]
    assert proved == ["d"]


def rolled_back(world: World, sums: dict[str, dict[str, int]]) -> dict[str, object]:
    """A run whose second revision was applied and undone; what its rows add up to."""
    plan = world.validate("run-2")
    world.upgrade_all(plan, "run-2")
    while world.roll_back(plan, "run-2")["status"] != "done":
        pass
    world.database.sums = sums
    return world.verify(plan, "rollback")


def test_rows_that_the_way_back_took_from_others_fail_it() -> None:
    world = world_of(seen("b2", ("a1",), changes=NOTE))
    with pytest.raises(VerificationFailed, match="public.users lost 2 rows that were there before: .* b2"):
        rolled_back(world, {"b2": {"public.users": -2}})


def test_rows_that_it_left_are_told_as_the_application_may_have_deleted_them() -> None:
    world = world_of(seen("b2", ("a1",), changes=NOTE))
    checked = rolled_back(world, {"b2": {"public.users": 3}})
    assert checked["left"] == ["public.users: up to 3 rows of revision b2"]
    assert "rows" in checked["checks"]  # type: ignore[operator]


def test_rows_whose_loss_was_accepted_are_no_news() -> None:
    world = world_of(replace(seen("b2", ("a1",)), row_losses=(("public.users", None, 1),)))
    plan = world.validate("run-2")
    world.upgrade_all(plan, "run-2")
    world.database.close_run("run-2", "Succeeded", "", True)
    back = world.validate("run-3", rollback_of="run-2", accept_loss=True)
    world.upgrade_all(back, "run-3")
    world.database.sums = {"b2": {"public.users": -4}}
    assert "rows" in world.verify(back)["checks"]


def test_smoke_queries_are_asked_where_they_belong(world: World) -> None:
    needs_posts = Smoke(1, Query("SELECT FROM posts"), since="c3")
    old, always = Smoke(2, Query("SELECT 1"), until="b2"), Smoke(3, Query("SELECT 2"))
    world.history.smoke = (needs_posts, old, always)
    plan = world.validate()
    world.upgrade_all(plan)
    assert world.verify(plan)["checks"][-1] == "2 smoke queries"
    world.database.unanswered_numbers = {2}
    world.verify(plan)
    world.database.unanswered_numbers = {1}
    with pytest.raises(VerificationFailed, match=r"smoke query 1 \(SELECT FROM posts\) returns no row"):
        world.verify(plan)
    while world.roll_back(plan)["status"] != "done":
        pass
    assert world.verify(plan, "rollback")["checks"][-1] == "2 smoke queries"
