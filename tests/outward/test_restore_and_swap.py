"""Restore and swap by asking who is there: whatever is cut goes on, and the old instance is always there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.outward.fakes import NOW
from tests.outward.recovery_fakes import ID, KEPT, RESTORED, Recovering

from dbmigrate.domain.errors import BadRequest, DatabaseBusy, PlanOutdated, RestoreFailed, SwapFailed


@pytest.fixture
def world() -> Recovering:
    return Recovering()


def test_a_restore_ends_with_an_address(world: Recovering) -> None:
    plan = world.planned()
    assert world.restore(plan, "start") == {"id": RESTORED, "status": "creating"}
    assert world.phase == "restoring"
    assert world.restore(plan, "check")["status"] == "creating"
    assert world.restore(plan, "check") == {
        "id": RESTORED,
        "status": "available",
        "host": f"{RESTORED}.example.com",
        "port": 5432,
        "resource_id": "db-NEW",
    }
    assert ("carry over", RESTORED) in world.instances.calls and world.tag(RESTORED) == ID


def test_a_start_that_was_answered_by_nobody_is_joined(world: Recovering) -> None:
    plan = world.planned()
    for _ in range(3):
        world.restore(plan, "start")
    assert world.instances.calls.count(("restore", RESTORED)) == 1


def test_rds_is_waited_for_until_it_knows_the_moment(world: Recovering) -> None:
    plan = world.planned(time=datetime.fromtimestamp(NOW - 10, UTC).isoformat())
    with pytest.raises(DatabaseBusy, match="up to 2027-01-15 07:58 UTC by now"):
        world.restore(plan, "start")
    world.instances.moments = (NOW - 86400, NOW)
    assert world.restore(plan, "start")["status"] == "creating"


def test_a_name_that_somebody_else_has_is_not_taken(world: Recovering) -> None:
    plan = world.planned()
    world.instances.there[RESTORED] = replace(world.instances.there["app"], name=RESTORED)
    with pytest.raises(RestoreFailed, match=f"which {ID} did not make"):
        world.restore(plan, "start")


def test_a_copy_that_was_deleted_under_us(world: Recovering) -> None:
    plan = world.planned()
    world.restore(plan, "start")
    del world.instances.there[RESTORED]
    with pytest.raises(RestoreFailed, match="somebody deleted it"):
        world.restore(plan, "check")


@pytest.mark.parametrize("status", ["failed", "incompatible-restore", "storage-full"])
def test_a_copy_that_fails_is_no_copy(world: Recovering, status: str) -> None:
    plan = world.planned()
    world.restore(plan, "start")
    world.instances.there[RESTORED] = replace(world.instances.there[RESTORED], status=status)
    with pytest.raises(RestoreFailed, match=f"RDS says {status}"):
        world.restore(plan, "check")


def test_what_nobody_takes_is_discarded_once_or_twice(world: Recovering) -> None:
    plan = world.planned()
    world.restore(plan, "start")
    for _ in range(2):
        assert world.restore(plan, "discard") == {"id": RESTORED, "status": "gone"}
    assert set(world.instances.there) == {"app"} and world.phase == "abandoned"


def test_a_plan_that_nobody_made_restores_nothing(world: Recovering) -> None:
    plan = world.planned()
    with pytest.raises(PlanOutdated):
        world.restore(plan | {"restored": "app"}, "discard")
    with pytest.raises(BadRequest, match="'wish' must be one of start, check, discard"):
        world.restore(plan, "destroy")


def test_the_names_change_places(world: Recovering) -> None:
    plan = world.restored()
    steps = []
    world.until(lambda: steps.append(world.swap(plan)) or steps[-1], "done")
    assert [call for call in world.instances.calls if call[0] == "rename"] == [
        ("rename", "app", KEPT),
        ("rename", RESTORED, "app"),
    ]
    assert (world.tag("app"), world.tag(KEPT)) == (ID, None)
    assert steps[-1]["resource_id"] == "db-NEW" and steps[-1]["host"] == "app.example.com"
    assert ("protect", "app", KEPT) in world.instances.calls
    assert world.phase == "swapped" and world.log.records[ID].facts["resource_id"] == "db-NEW"


@pytest.mark.parametrize("cut", range(1, 5))
def test_whoever_comes_after_a_cut_goes_on(cut: int) -> None:
    world = Recovering()
    plan = world.restored()
    for _ in range(cut):
        world.swap(plan)
        assert {"app", KEPT} & set(world.instances.there), "the old one is there"
    resumed = world.plan(execution="again", resume=ID)
    assert (resumed["phase"], resumed["plan"]) == ("swap", plan)
    world.until(lambda: world.swap(resumed["plan"], resumed["approval"]), "done")
    renames = [call for call in world.instances.calls if call[0] == "rename"]
    assert renames == [("rename", "app", KEPT), ("rename", RESTORED, "app")]


def test_a_swap_that_is_done_is_done(world: Recovering) -> None:
    plan = world.restored()
    first = world.until(lambda: world.swap(plan), "done")
    assert world.swap(plan) == first


def test_what_was_not_carried_over_is_said(world: Recovering) -> None:
    plan = world.restored()
    world.instances.different = ["read replicas still follow the old instance: app-2"]
    assert world.until(lambda: world.swap(plan), "done")["notes"] == world.instances.different


@pytest.mark.parametrize(
    "approval", [{"status": "none"}, {"status": "approved", "digest": "sha256:" + "0" * 64}, {}]
)
def test_nothing_is_renamed_without_the_approval_of_this_plan(world: Recovering, approval: dict) -> None:
    plan = world.restored()
    with pytest.raises(PlanOutdated, match="The approval is for"):
        world.swap(plan, approval)
    assert world.phase == "restoring" and not [c for c in world.instances.calls if c[0] == "rename"]


def test_a_copy_that_was_given_up_meanwhile_is_not_taken(
    world: Recovering, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, before = world.restored(), world.log.records[ID]
    world.log.put(before.reached("abandoned", NOW))
    monkeypatch.setattr(world.log, "get", lambda recovery: before)
    with pytest.raises(PlanOutdated, match="was given up; its copy is not taken"):
        world.swap(plan)
    assert world.phase == "abandoned" and not [c for c in world.instances.calls if c[0] == "rename"]


def test_behind_the_first_rename_no_doubt_leads_back(world: Recovering) -> None:
    plan = world.restored()
    world.swap(plan)
    with pytest.raises(SwapFailed, match="The approval is for"):
        world.swap(plan, {"status": "none"})


def test_one_that_was_given_up_takes_nothing(world: Recovering) -> None:
    plan = world.restored()
    world.restore(plan, "discard")
    with pytest.raises(PlanOutdated, match="was given up"):
        world.swap(plan)


def test_a_copy_that_is_not_there_moves_nobody_aside(world: Recovering) -> None:
    plan = world.restored()
    del world.instances.there[RESTORED]
    with pytest.raises(SwapFailed, match=f"{RESTORED}, which was to become app, is not there"):
        world.swap(plan)
    assert set(world.instances.there) == {"app"}


def test_a_copy_of_somebody_else_is_not_taken(world: Recovering) -> None:
    plan = world.restored()
    world.instances.there[RESTORED] = replace(world.instances.there[RESTORED], tags={"recovery": "other"})
    with pytest.raises(SwapFailed):
        world.swap(plan)


def test_a_name_in_the_way_is_named(world: Recovering) -> None:
    plan = world.restored()
    other = replace(world.instances.there["app"], name=KEPT, resource_id="db-OTHER")
    world.instances.there[KEPT] = other
    with pytest.raises(SwapFailed, match=f"There is an instance {KEPT} already") as stuck:
        world.swap(plan)
    assert f"--resume {ID}" in stuck.value.hint and not [c for c in world.instances.calls if c[0] == "rename"]


def test_an_old_one_that_somebody_deleted_midway_is_missed(world: Recovering) -> None:
    plan = world.restored()
    world.swap(plan)
    del world.instances.there[KEPT]
    with pytest.raises(DatabaseBusy, match="RDS shows nobody under app"):
        world.swap(plan)


def test_one_that_moves_is_seen_under_both_of_its_names(world: Recovering) -> None:
    """Between two questions of ours a rename comes to its end."""
    plan = world.restored()
    old = world.instances.there["app"]
    world.instances.there[KEPT] = replace(old, name=KEPT, status="rebooting")
    world.instances.there["app"] = replace(old, status="renaming")
    assert world.swap(plan)["step"] == f"app becomes {KEPT}"
    world.instances.there["app"] = old  # RDS has not even begun to say so
    assert world.swap(plan)["step"] == f"app becomes {KEPT}"
    assert not [call for call in world.instances.calls if call[0] == "rename"]


def test_nobody_is_moved_aside_for_a_copy_that_is_not_ready(world: Recovering) -> None:
    plan = world.restored()
    world.instances.there[RESTORED] = replace(world.instances.there[RESTORED], status="modifying")
    assert world.swap(plan)["step"] == f"wait until {RESTORED} is available: it is modifying"
    assert "app" in world.instances.there
