"""Gap: waits take as long as they say. Here they can be instant: the machine's clock moves on instead."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from dbmigrate_local.gaps.patching import replaced


class Wait(NamedTuple):
    """What a state asked for: kind "wait" or "retry", in seconds."""

    kind: str
    seconds: float


class Clock:
    """The time that the state machine reads: `$now()`, `$millis()` and EnteredTime."""

    def __init__(self) -> None:
        self._moved = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970, waits that did not really pass included."""
        return time.time() + self._moved

    def advance(self, seconds: float) -> None:
        """Let time pass without waiting."""
        with self._lock:
            self._moved += max(0.0, seconds)

    def instant(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.now(), dt.UTC)


@contextlib.contextmanager
def waiting(clock: Clock, waits: list[Wait], pace: float) -> Iterator[None]:
    """Record every Wait and Retry in `waits`; `pace` is the share of each that really passes, 1 as on AWS."""
    running = threading.local()
    retry = RetrierDecl._eval_body

    def pause(environment: Any, seconds: float) -> None:
        clock.advance(seconds * (1 - pace))
        if pace:
            environment.program_state_event.wait(seconds * pace)  # a stopped execution does not sleep on

    def wait(self: WaitFunction, env: Any, wait_seconds: float) -> None:
        waits.append(Wait("wait", wait_seconds))
        pause(env, max(0, wait_seconds))

    def retry_with_environment(self: RetrierDecl, env: Any) -> None:
        running.environment = env
        retry(self, env)

    def sleep(seconds: float) -> None:
        waits.append(Wait("retry", seconds))
        pause(running.environment, seconds)

    moved = SimpleNamespace(datetime=SimpleNamespace(now=lambda tz: clock.instant()), timezone=dt.timezone)
    with replaced(
        (WaitFunction, "_wait_interval", wait),
        (RetrierDecl, "_eval_body", retry_with_environment),
        (retrier_decl, "time", SimpleNamespace(sleep=sleep)),
        (state, "datetime", moved),
    ):
        yield
