"""A recovery is refused while the application works, or it can be done; and only one is under way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.outward.fakes import NOW
from tests.outward.recovery_fakes import APPROVED, ID, KEPT, RESTORED, SNAPSHOT, Recovering

from dbmigrate.domain.errors import RecoveryRefused
from dbmigrate.domain.instance import Copy, names
from dbmigrate.domain.recovery import PHASES
from dbmigrate.domain.shape import PLAN, check_shape

COMMAND = "db-migrate --environment staging recover"


def iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()


@pytest.fixture
def world() -> Recovering:
    return Recovering()


def test_the_plan_names_both_instances_and_is_stored(world: Recovering) -> None:
    answer = world.plan(
        snapshot=SNAPSHOT, requested_by="ada@example.com", reason="gone", before_run="staging-1"
    )
    plan = answer["plan"]
    check_shape("restore", answer, {"plan": PLAN})
    assert (plan["restored"], plan["kept"], plan["database"]) == (RESTORED, KEPT, "app")
    assert (plan["reason"], plan["requested_by"], plan["before_run"]) == (
        "gone",
        "ada@example.com",
        "staging-1",
    )
    assert world.plans.get_plan(plan["digest"])["snapshot"] == SNAPSHOT
    assert (answer["phase"], answer["approval"]) == ("restore", {"status": "none"})
    assert answer["times"] == {}, "the machine knows its own"
    assert world.phase == "planned"


def test_a_retry_plans_the_same_again(world: Recovering) -> None:
    assert world.planned() == world.planned()


@pytest.mark.parametrize(
    ("wanted", "planned"),
    [
        (iso(NOW - 86400), NOW - 86400),
        ("2027-01-14T08:00:00Z", NOW - 86400),
        ("latest", NOW - 120),
        (iso(NOW - 10), NOW - 10),  # RDS gets there within five minutes, and the restore waits for it
    ],
)
def test_a_moment_that_can_be_restored(world: Recovering, wanted: str, planned: float) -> None:
    assert world.planned(time=wanted)["time"] == iso(planned)


@pytest.mark.parametrize("wanted", [NOW + 60, NOW - 8 * 86400])
def test_a_moment_out_of_the_window_is_refused_with_both_ends(world: Recovering, wanted: float) -> None:
    with pytest.raises(RecoveryRefused, match="2027-01-08 08:00 UTC to 2027-01-15 07:58 UTC") as refused:
        world.plan(time=iso(wanted))
    assert SNAPSHOT in refused.value.hint


def test_a_window_that_stands_still_does_not_reach_now(world: Recovering) -> None:
    world.instances.moments = (NOW - 86400, NOW - 3600)
    with pytest.raises(RecoveryRefused, match="outside of what RDS can restore"):
        world.plan(time=iso(NOW - 60))


def test_without_retention_the_snapshots_are_named() -> None:
    world = Recovering(retention=0)
    world.instances.moments = (None, None)
    with pytest.raises(RecoveryRefused, match="backup retention is 0 days") as refused:
        world.plan(time="latest")
    assert f"{COMMAND} --to-snapshot with one of: {SNAPSHOT}" in refused.value.hint
    assert world.planned()["snapshot"] == SNAPSHOT


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        (None, "There is no snapshot other"),
        (Copy("other", "creating", "app"), "is creating, not available"),
        (Copy("other", "available", "shop"), "is of shop, not of app"),
    ],
)
def test_a_snapshot_that_is_none_of_ours(world: Recovering, copy: Copy | None, said: str) -> None:
    world.instances.snapshots += [copy] if copy else []
    with pytest.raises(RecoveryRefused, match=said) as refused:
        world.plan(snapshot="other")
    assert refused.value.hint.endswith(f"one of: {SNAPSHOT}")


def test_a_snapshot_of_an_earlier_name_is_known_by_its_tag(world: Recovering) -> None:
    world.instances.snapshots.append(Copy("moved", "available", "app-1", tags={"environment": "staging"}))
    assert world.planned(snapshot="moved")["snapshot"] == "moved"


@pytest.mark.parametrize("status", ["storage-full", "failed", "available", "incompatible-parameters"])
def test_a_broken_instance_may_be_recovered_from(status: str) -> None:
    assert Recovering(status=status).planned()["restored"] == RESTORED


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ({"status": "deleting"}, "is being deleted"),
        ({"status": "modifying"}, r"is pending \(modifying\)"),
        ({"status": "renaming"}, r"is pending \(renaming\)"),
        ({"pending": ("DBInstanceClass",)}, r"is pending \(DBInstanceClass\)"),
    ],
)
def test_one_that_goes_or_changes_may_not(old: dict, said: str) -> None:
    world = Recovering(**old)
    with pytest.raises(RecoveryRefused, match=said):
        world.planned()
    assert world.log.records == {}


def test_a_database_that_rds_does_not_have(world: Recovering) -> None:
    world.instances.there.clear()
    with pytest.raises(RecoveryRefused, match="RDS has no instance app"):
        world.planned()


@pytest.mark.parametrize("request_", [{"time": "latest", "snapshot": SNAPSHOT}, {"reason": "x"}])
def test_either_a_time_or_a_snapshot(world: Recovering, request_: dict) -> None:
    with pytest.raises(RecoveryRefused, match="either a time or a snapshot"):
        world.plan(**request_)


def test_a_second_recovery_is_refused_with_both_commands(world: Recovering) -> None:
    world.planned()
    with pytest.raises(RecoveryRefused, match=f"{ID} has not ended: it is planned") as refused:
        world.plan("staging-recovery-20270115-090000", snapshot=SNAPSHOT)
    assert f"{COMMAND} --resume {ID}, or give it up: {COMMAND} --abandon {ID}" in refused.value.hint


@pytest.mark.parametrize("phase", ["opened", "abandoned"])
def test_after_one_that_ended_there_may_be_another(world: Recovering, phase: str) -> None:
    world.planned()
    world.log.put(world.log.records[ID].reached(phase, NOW))
    assert world.plan("staging-recovery-20270115-090000", snapshot=SNAPSHOT)["phase"] == "restore"


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase not in ("opened", "abandoned")])
def test_one_that_was_cut_goes_on_where_it_was(world: Recovering, phase: str) -> None:
    plan = world.planned()
    approval = APPROVED | {"digest": plan["digest"]}
    world.log.put(world.log.records[ID].reached(phase, NOW + 5, approval=approval))
    answer = world.plan(execution="again", resume=ID)
    swaps = phase in ("swapping", "swapped")
    assert answer["plan"] == plan and answer["phase"] == ("swap" if swaps else "restore")
    assert answer["approval"] == (approval if swaps else {"status": "none"})
    assert answer["times"]["began"] == NOW * 1000
    assert ("approved" in answer["times"]) == (phase == "swapping")


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "abandoned"])
def test_nothing_is_given_up_behind_the_swap(world: Recovering, phase: str) -> None:
    plan = world.planned()
    world.log.put(world.log.records[ID].reached(phase, NOW))
    if phase not in ("swapping", "swapped", "opened"):
        assert world.plan(execution="again", abandon=ID)["plan"] == plan
        return
    with pytest.raises(RecoveryRefused, match="is over" if phase == "opened" else "nothing leads back"):
        world.plan(execution="again", abandon=ID)


@pytest.mark.parametrize("wish", ["resume", "abandon"])
def test_what_is_at_work_is_left_to_its_execution(world: Recovering, wish: str) -> None:
    world.planned()
    world.executions.at_work.add(ID)
    with pytest.raises(RecoveryRefused, match=f"is at work in the execution {ID}"):
        world.plan(execution="again", **{wish: ID})


def test_an_abort_is_told_the_name_of_the_execution(world: Recovering) -> None:
    plan = world.planned()
    world.plan(execution="again", resume=ID)
    assert world.plan(execution="put-back", abandon="again")["plan"] == plan
    with pytest.raises(RecoveryRefused, match="There is no recovery again"):
        world.plan(execution="put-back-2", abandon="again")


def test_giving_up_ends_by_itself(world: Recovering) -> None:
    world.planned()
    for number in range(3):
        world.plan(execution=f"put-back-{number}", abandon=ID)
    with pytest.raises(RecoveryRefused, match="could not be given up 3 times"):
        world.plan(execution="put-back-3", abandon=ID)


def test_one_whose_copy_is_left_can_be_given_up_again(world: Recovering) -> None:
    world.planned()
    world.log.put(world.log.records[ID].reached("abandoned", NOW))
    assert world.plan(execution="again", abandon=ID)["phase"] == "restore"
    world.log.put(replace(world.log.records[ID], facts={"discarded": True}))
    with pytest.raises(RecoveryRefused, match="is over"):
        world.plan(execution="again", abandon=ID)


@pytest.mark.parametrize("database", ["a", "a" * 39, "a" * 40, "a" * 47])
def test_names_are_what_rds_takes(database: str) -> None:
    for name in names(database, ID):
        assert name.startswith(f"{database}-") and len(name) <= 63 and "--" not in name


def test_a_name_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(RecoveryRefused, match="too long a name"):
        names("a" * 48, ID)


def test_a_recovery_of_any_name_gets_names() -> None:
    first, second = (names("app", recovery)[0] for recovery in ("0f8fad5b-d9cb", "0f8fad5b-d9cc"))
    assert first != second and first.startswith("app-r-")
