"""What each wish does, what it leaves in the record, and what a recovery does that has swapped already."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from tests.service.fakes import FakeRecoveryLog

from dbmigrate.domain.errors import BadRequest, WrongInstance
from dbmigrate.domain.recovery import Record
from dbmigrate.service.fence import fence

RECOVERY = "staging-recovery-1"


@dataclass
class FakeGate:
    """Two databases, open or shut."""

    marked: bool = False
    acts: list[str] = field(default_factory=list)

    def is_marked(self, recovery: str) -> bool:
        return self.marked

    def shut(self, recovery: str) -> tuple[list[str], int, list[str]]:
        self.acts.append("shut")
        return ["app", "postgres"], 7, ["a note"]

    def lift(self, recovery: str) -> tuple[list[str], list[str]]:
        self.acts.append("lift")
        return ["app"], []

    def open(self, recovery: str) -> tuple[list[str], list[str]]:
        if not self.marked:
            raise WrongInstance("the old one")
        self.acts.append("open")
        return [], []


@pytest.fixture
def log() -> FakeRecoveryLog:
    return FakeRecoveryLog({RECOVERY: Record(RECOVERY, "planned", {}, {"planned": 1.0})})


def test_a_fence_is_kept_in_the_record(log: FakeRecoveryLog) -> None:
    answer = fence(RECOVERY, "fence", FakeGate(), log, 2.0)
    assert answer == {"status": "fenced", "changed": ["app", "postgres"], "ended": 7, "notes": ["a note"]}
    record = log.records[RECOVERY]
    assert (record.phase, record.times["fenced"], record.facts) == ("fenced", 2.0, {"fence": answer})


@pytest.mark.parametrize("phase", ["swapping", "swapped", "opened"])
def test_behind_a_swap_nothing_is_fenced(log: FakeRecoveryLog, phase: str) -> None:
    log.put(Record(RECOVERY, phase, {}))
    gate = FakeGate()
    assert fence(RECOVERY, "fence", gate, log, 2.0)["status"] == "fenced"
    assert (gate.acts, log.records[RECOVERY].phase) == ([], phase)
    with pytest.raises(WrongInstance, match="the old instance stays shut"):
        fence(RECOVERY, "unfence", gate, log, 2.0)
    assert gate.acts == []


def test_nor_is_what_bears_the_mark(log: FakeRecoveryLog) -> None:
    gate = FakeGate(marked=True)
    assert fence(RECOVERY, "fence", gate, log, 2.0)["ended"] == 0
    assert gate.acts == []


def test_giving_up_and_opening(log: FakeRecoveryLog) -> None:
    assert fence(RECOVERY, "unfence", FakeGate(), log, 2.0)["status"] == "unfenced"
    assert log.records[RECOVERY].phase == "abandoned"
    log.records[RECOVERY] = Record(RECOVERY, "swapped", {})
    with pytest.raises(WrongInstance):
        fence(RECOVERY, "open", FakeGate(), log, 3.0)
    assert log.records[RECOVERY].phase == "swapped"
    assert fence(RECOVERY, "open", FakeGate(marked=True), log, 3.0)["status"] == "opened"
    assert log.records[RECOVERY].phase == "opened"


def test_a_lift_that_fails_is_tried_again_and_named_until_then(
    log: FakeRecoveryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, gate = FakeGate(), FakeGate()
    monkeypatch.setattr(broken, "lift", lambda recovery: broken.open(recovery))
    with pytest.raises(WrongInstance):
        fence(RECOVERY, "unfence", broken, log, 2.0)
    assert log.records[RECOVERY].phase == "abandoned" and not log.records[RECOVERY].over
    assert fence(RECOVERY, "unfence", gate, log, 3.0)["status"] == "unfenced" and gate.acts == ["lift"]


def test_a_swap_that_began_meanwhile_keeps_the_old_one_shut(
    log: FakeRecoveryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, gate = log.records[RECOVERY], FakeGate()
    log.put(Record(RECOVERY, "swapping", {}))
    monkeypatch.setattr(log, "get", lambda recovery: before)
    with pytest.raises(WrongInstance, match="the old instance stays shut"):
        fence(RECOVERY, "unfence", gate, log, 2.0)
    assert (gate.acts, log.records[RECOVERY].phase) == ([], "swapping")


def test_without_a_record_the_fence_still_works() -> None:
    assert fence(RECOVERY, "fence", FakeGate(), FakeRecoveryLog(), 2.0)["status"] == "fenced"


def test_another_wish_is_refused(log: FakeRecoveryLog) -> None:
    with pytest.raises(BadRequest, match="'paint'"):
        fence(RECOVERY, "paint", FakeGate(), log, 2.0)
