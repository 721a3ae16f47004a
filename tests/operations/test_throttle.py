"""A backfill gives way to replicas and to slow commits, but not for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dbmigrate.adapters.operations import throttle
from dbmigrate.adapters.operations.throttle import Throttle
from dbmigrate.domain.errors import RunStopped


class Server:
    """What a Work asks: the lag of its replicas, one answer after the other, the last for ever."""

    def __init__(self, *lags: float, aurora: bool = False) -> None:
        self.lags, self.aurora = [*lags], aurora
        self.asked: list[str] = []

    def is_true(self, sql: str) -> bool:
        assert "aurora_replica_status" in sql
        return self.aurora

    def ask(self, sql: str) -> list[list[float]]:
        self.asked.append(sql)
        return [[self.lags.pop(0) if len(self.lags) > 1 else self.lags[0]]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Time that passes only when told, or while somebody sleeps."""
    now = [1_000.0]
    monkeypatch.setattr(throttle.time, "monotonic", lambda: now[0])

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return sleep


def made(server: Server, clock: Any) -> Throttle:
    found = Throttle(server, clock)  # type: ignore[arg-type]
    clock(1.5)
    return found


def test_it_waits_until_the_replica_has_caught_up_and_says_why(clock: Any) -> None:
    server, said = Server(0, 5, 4, 1), []
    made(server, clock).pause(said.append)
    assert said == ["a replica is 5.0 s behind", "a replica is 4.0 s behind"]
    assert "pg_stat_replication" in server.asked[0]


def test_aurora_is_asked_in_its_own_way(clock: Any) -> None:
    server = Server(0, aurora=True)
    made(server, clock).pause(lambda why: None)
    assert all("aurora_replica_status()" in sql for sql in server.asked)


def test_it_looks_once_a_second_at_most(clock: Any) -> None:
    server = Server(0)
    throttled = made(server, clock)
    for _ in range(50):
        throttled.pause(lambda why: None)
    assert len(server.asked) == 2


def test_a_replica_that_never_catches_up_does_not_end_the_work(clock: Any) -> None:
    said: list[str] = []
    made(Server(0, 9), clock).pause(said.append)
    assert throttle.LONGEST_SECONDS / 0.4 <= len(said) <= throttle.LONGEST_SECONDS / 0.1 + 1


def test_a_replica_that_is_late_by_intent_is_left_so(clock: Any) -> None:
    said: list[str] = []
    made(Server(3600, 3700), clock).pause(said.append)
    assert said == []


def test_slow_commits_are_a_reason_only_against_the_first_ones(clock: Any) -> None:
    throttled, said = made(Server(0), clock), []
    for seconds in (0.004,) * 10 + (0.018,) * 10:  # slower, but not slow
        throttled.committed(seconds)
    throttled.pause(said.append)
    assert said == []
    for _ in range(10):
        throttled.committed(0.05)
    clock(1.5)
    throttled.pause(said.append)
    assert said == ["a commit takes 50 ms"]


def test_whoever_hears_why_may_end_the_wait(clock: Any) -> None:
    def end(why: str) -> None:
        raise RunStopped(why)

    with pytest.raises(RunStopped):
        made(Server(0, 9), clock).pause(end)
