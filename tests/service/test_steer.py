"""Stopping a run that resists, and one that nobody gets to: how often, how hard, how long."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from dbmigrate.domain.errors import BadRequest, NoConnectionFree, NotYetStopped
from dbmigrate.domain.standing import Standing
from dbmigrate.service import steer as service
from dbmigrate.service.steer import steer

RUN = {
    "run": "run-1",
    "outcome": None,
    "ended_at": None,
    "revisions": ["0001"],
    "wished_by": None,
    "wished_at": "t",
}


class FakeRun:
    """A run of so many sessions; each round of cancelling ends one, or only force does. ``taken`` logins are
    refused, and each cancelling from outside frees one."""

    def __init__(self, sessions: int = 0, taken: int = 0, stubborn: bool = False) -> None:
        self.sessions, self.taken, self.stubborn = sessions, taken, stubborn
        self.log: list[str] = []
        self.line: dict[str, Any] | None = {**RUN}

    @contextlib.contextmanager
    def inside(self) -> Iterator[FakeRun]:
        if self.taken:
            raise NoConnectionFree("all taken.", "reserve some")
        yield self

    def cancel_from_outside(self, run: str) -> int:
        self.log.append("outside")
        self.taken -= 1
        return 2

    def known(self, run: str) -> dict[str, Any] | None:
        return self.line

    def wish(self, run: str, wish: str | None, by: str) -> bool:
        self.log.append(f"wish {wish}")
        return self.line is not None and self.line["ended_at"] is None

    def cancel(self, run: str, force: bool) -> int:
        self.log.append("end" if force else "cancel")
        left = self.sessions
        if force or not self.stubborn:
            self.sessions = max(left - 1, 0)
        return left

    def close_stopped(self, run: str, detail: str, seconds: float) -> bool:
        self.log.append(detail)
        return True

    def look(self) -> Standing:
        return Standing(("0001",), {}, None, {}, [], {}, ["public.ix"], 15, "15.1")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "POLL_SECONDS", 0.001)


def test_the_wish_comes_before_the_cancelling_and_the_lease_last() -> None:
    run = FakeRun(sessions=2)
    answer = steer("run-1", "stop", "ann", run)
    assert run.log == ["wish stop", "cancel", "cancel", "cancel", "stopped by ann"]
    assert (answer["sessions"], answer["stopped"], answer["current"]) == (2, True, "0001")
    assert (answer["applied"], answer["invalid_indexes"], answer["unfinished"]) == (
        ["0001"],
        ["public.ix"],
        [],
    )


def test_who_does_not_hear_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "GRACE_SECONDS", 0.02)
    run = FakeRun(sessions=1, stubborn=True)
    assert steer("run-1", "stop", "ann", run)["stopped"]
    assert run.log.count("end") == 2 and run.log.index("end") > run.log.index("cancel")


def test_without_a_connection_it_cancels_until_there_is_one() -> None:
    run = FakeRun(sessions=1, taken=3)
    assert steer("run-1", "stop", "ann", run)["stopped"]
    assert run.log[:4] == ["outside", "outside", "outside", "wish stop"]


def test_when_patience_ends_a_person_must_look() -> None:
    with pytest.raises(NotYetStopped, match="2 sessions of run run-1 were told.*all taken") as never:
        steer("run-1", "stop", "ann", FakeRun(taken=10**9), patience=0.02)
    assert never.value.exit_code == 4 and "db-migrate stop run-1; reserve some" in never.value.hint
    with pytest.raises(NotYetStopped, match="1 sessions of run run-1 are still there"):
        steer("run-1", "stop", "ann", FakeRun(sessions=1, stubborn=True), patience=0.02)


def test_pause_and_resume_are_wishes() -> None:
    run = FakeRun()
    assert steer("run-1", "pause", "ann", run) == {"run": "run-1", "wish": "pause", "by": "ann", "at": "t"}
    assert steer("run-1", "resume", "ann", run)["wish"] == "resume"
    assert run.log == ["wish pause", "wish None"]


@pytest.mark.parametrize(("run", "wish"), [("run-1", "hurry"), ("../x", "stop"), ("run 1", "pause")])
def test_what_is_no_wish_or_no_run_reaches_nothing(run: str, wish: str) -> None:
    fake = FakeRun()
    with pytest.raises(BadRequest):
        steer(run, wish, "ann", fake)
    assert fake.log == []
