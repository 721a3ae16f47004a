"""Who is in a revision's way is reported, waited for, refused or ended, as policy and approval have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.service.conftest import THREE, World

from dbmigrate.domain.blockers import YOUNG_SNAPSHOT_SECONDS, Blocker
from dbmigrate.domain.effects import Effects, Lock, Write
from dbmigrate.domain.errors import BlockersFound, Failed, LockNotFree
from dbmigrate.domain.progress import Progress
from dbmigrate.domain.unfinished import Unfinished
from dbmigrate.service import preflight as module
from dbmigrate.service.preflight import LOOKS, may_end_sessions, preflight

READER = Blocker("lock", "pid 7 (web) of app [AccessShareLock on public.users], 90 s", 7, "3/4", True)
REPLICA = Blocker("replica", "replica b is 45 s behind")
APPROVED = {"status": "approved", "digest": "sha256:1"}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test waits; what was waited is kept."""
    found: list[float] = []
    monkeypatch.setattr(module.preflight, "__defaults__", (None, found.append))
    return found


@pytest.fixture
def busy(world: World, waits: list[float]) -> World:
    world.database.in_the_way = [READER]
    return world


def nothing_ran(world: World) -> bool:
    return world.database.current() == () and world.database.lines == []


def test_nothing_in_the_way_costs_one_question(world: World, waits: list[float]) -> None:
    answer = world.upgrade(world.validate())
    assert "blockers" not in answer and len(world.database.asked) == 1 and waits == []


def test_reported(busy: World) -> None:
    busy.rule(blockers="reported")
    answer = busy.upgrade(busy.validate())
    assert answer["blockers"] == [READER.text] and answer["revision"] == "a1"


def test_waited_for_and_never_queued_behind(busy: World, waits: list[float]) -> None:
    plan = busy.validate()
    with pytest.raises(LockNotFree) as refused:
        busy.upgrade(plan)
    assert "Revision a1 was not tried" in refused.value.message and READER.text in refused.value.message
    assert "deploy --terminate-blockers" in refused.value.hint
    assert nothing_ran(busy) and len(waits) == LOOKS and sum(waits) <= 15
    busy.database.in_the_way = []
    assert busy.upgrade(plan)["revision"] == "a1"


def test_one_that_goes_meanwhile_is_none(world: World) -> None:
    world.database.in_the_way = [READER]
    left = preflight(
        THREE,
        "a1",
        "upgrade",
        world.policy,
        world.database,
        None,
        lambda _: world.database.in_the_way.clear(),
    )
    assert left == {}


@pytest.mark.parametrize("word", ["waited", "refused", "reported"])
def test_a_revision_that_has_begun_goes_on(busy: World, waits: list[float], word: str) -> None:
    """Half of it stands, so neither refusing nor standing still would help anybody."""
    busy.rule(blockers=word)
    plan = busy.validate(terminate_blockers=True)
    busy.database.half = [Unfinished(Progress("a1", "backfill", "public.users", "fill"), "", "now", False)]
    answer = busy.upgrade(plan)
    assert answer["terminated"] == [READER.text] and waits == []
    assert all(each.seconds >= YOUNG_SNAPSHOT_SECONDS for each in busy.database.asked[1].wanted)


def test_refused(busy: World) -> None:
    busy.rule(blockers="refused")
    plan = busy.validate()
    with pytest.raises(BlockersFound, match="a1 was not tried.*pid 7") as refused:
        busy.upgrade(plan)
    assert refused.value.exit_code == 3 and nothing_ran(busy)


def test_the_way_back_is_never_refused(world: World, waits: list[float]) -> None:
    plan = world.validate()
    world.upgrade(plan)
    world.database.in_the_way = [READER]
    world.rule(blockers="refused")
    with pytest.raises(LockNotFree):
        world.roll_back(plan)
    world.database.in_the_way = []
    assert world.roll_back(plan)["revision"] == "a1"


def test_an_approved_plan_ends_sessions_and_says_so(busy: World) -> None:
    answer = busy.upgrade(busy.validate(terminate_blockers=True))
    assert answer["terminated"] == busy.database.ended == [READER.text] and answer["revision"] == "a1"


def test_what_is_no_session_is_waited_for_all_the_same(busy: World) -> None:
    busy.database.in_the_way = [READER, REPLICA]
    with pytest.raises(LockNotFree, match=r"replica b is 45 s behind\. Ended: pid 7"):
        busy.upgrade(busy.validate(terminate_blockers=True))
    assert busy.database.ended == [READER.text]


def test_without_the_approval_of_it_nobody_is_ended(busy: World) -> None:
    with pytest.raises(LockNotFree):
        busy.upgrade(busy.validate())
    plan, forced = busy.validate(terminate_blockers=True), {"asked": True, "allowed": True, "reason": "now"}
    with pytest.raises(LockNotFree):
        busy.upgrade(plan, force=forced, approval={"status": "none"})
    assert busy.database.ended == []


def test_a_session_that_may_not_be_ended_is_an_error(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(run: str, facts: Any, found: Sequence[Blocker]) -> list[str]:
        raise Failed("may not", "GRANT pg_signal_backend TO migrator")

    monkeypatch.setattr(busy.database, "end_sessions", refused)
    with pytest.raises(Failed, match="pg_signal_backend"):
        busy.upgrade(busy.validate(terminate_blockers=True))
    assert nothing_ran(busy)


@pytest.mark.parametrize(
    ("plan", "approval", "needed", "may"),
    [
        ({"terminate_blockers": True}, APPROVED, "required", True),
        ({"terminate_blockers": True}, {**APPROVED, "digest": "sha256:2"}, "required", False),
        ({"terminate_blockers": True}, {"status": "none"}, "required", False),
        ({"terminate_blockers": True}, {"status": "none"}, "skipped", True),
        ({"terminate_blockers": "yes"}, APPROVED, "required", False),
        ({}, APPROVED, "required", False),
    ],
)
def test_who_may_end_sessions(
    world: World, plan: dict[str, Any], approval: dict[str, str], needed: str, may: bool
) -> None:
    policy = replace(world.policy, approval=needed)
    assert may_end_sessions({"digest": "sha256:1", **plan}, approval, policy) is may


def test_what_is_asked_is_what_the_evidence_foretells(world: World, waits: list[float]) -> None:
    lock = Lock("public.users", "ACCESS EXCLUSIVE")
    update = Effects("UPDATE users SET a = 1", locks=(lock,), writes=(Write("public.users", updated=3),))
    revision = replace(world.evidence.revisions["a1"], statements=(update,))
    world.evidence = replace(world.evidence, revisions={**world.evidence.revisions, "a1": revision})
    world.history.evidence = world.evidence
    world.database.bytes = {"public.users": 10**9}
    world.rule(blockers="reported")
    world.upgrade(world.validate())
    (asked,) = world.database.asked
    assert [each.relation for each in asked.wanted] == ["public.users"] and asked.wal_bytes > 10**8
