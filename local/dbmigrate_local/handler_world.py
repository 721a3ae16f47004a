"""What a handler has to itself although it shares a process: environment, default session, standard output.

Each is kept per thread, so that the command line in the main thread never sees a role's credentials, and a
handler never sees the user's.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TextIO

import boto3
import botocore.loaders  # noqa: F401 - imported now, not in the first handler

from dbmigrate_local.gaps.patching import replaced

INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
_worlds = threading.local()


@dataclass
class World:
    """One function's environment variables and default session; `output` is what the invocation prints."""

    environment: dict[str, str]
    session: Any = None
    output: io.StringIO = field(default_factory=io.StringIO)


def current() -> World | None:
    """The world of the handler that this thread runs; None outside handlers."""
    return getattr(_worlds, "world", None)


@contextlib.contextmanager
def living_in(world: World) -> Iterator[None]:
    """Run this thread in a handler's world."""
    outer = current()
    _worlds.world = world
    if not isinstance(sys.stdout, OutputPerThread):  # a test runner may have put its own in between
        sys.stdout = OutputPerThread(sys.stdout)
    try:
        yield
    finally:
        _worlds.world = outer


class EnvironmentPerThread(MutableMapping[str, str]):
    """os.environ: the process's own, or the handler's in the thread of a handler."""

    def __init__(self, own: MutableMapping[str, str]) -> None:
        self._own = own

    def _here(self) -> MutableMapping[str, str]:
        world = current()
        return self._own if world is None else world.environment

    def __getitem__(self, key: str) -> str:
        return self._here()[key]

    def __setitem__(self, key: str, value: str) -> None:
        self._here()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._here()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._here()))

    def __len__(self) -> int:
        return len(self._here())

    def copy(self) -> dict[str, str]:
        return dict(self._here())

    def __or__(self, other: Any) -> dict[str, str]:
        return {**self.copy(), **other}

    def __ror__(self, other: Any) -> dict[str, str]:
        return {**other, **self.copy()}


class OutputPerThread(io.TextIOBase):
    """sys.stdout: the process's own, or the invocation's log in the thread of a handler."""

    def __init__(self, own: TextIO) -> None:
        self._own = own

    def _here(self) -> Any:
        world = current()
        return self._own if world is None else world.output

    def write(self, text: str) -> int:
        return int(self._here().write(text))

    def flush(self) -> None:
        self._here().flush()

    def isatty(self) -> bool:
        return bool(self._here().isatty())

    def fileno(self) -> int:
        return int(self._here().fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._own, "encoding", None) or "utf-8"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


@contextlib.contextmanager
def worlds() -> Iterator[None]:
    """Let threads of handlers have worlds of their own, for as long as the block lasts."""
    session = boto3._get_default_session

    def default_session(*arguments: Any) -> Any:
        world = current()
        if world is None:
            return session(*arguments)
        if world.session is None:
            world.session = boto3.Session()
        return world.session

    own = os.environ
    pools = (ThreadPoolExecutor, "submit", submit_in_world(ThreadPoolExecutor.submit))
    with replaced((boto3, "_get_default_session", default_session), pools):
        os.environ = EnvironmentPerThread(own)  # type: ignore[assignment]  # noqa: B003 - replaced, not cleared
        try:
            yield
        finally:
            os.environ = own  # noqa: B003 - the very object that was there
            if isinstance(sys.stdout, OutputPerThread):
                sys.stdout = sys.stdout._own


def submit_in_world(submit: Callable[..., Any]) -> Callable[..., Any]:
    """What a handler gives to a pool of threads runs in the handler's world, too. Other threads do not: moto
    starts executions in threads of its own, and they are nobody's."""

    def submitted(pool: ThreadPoolExecutor, work: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        world = current()
        if world is None:
            return submit(pool, work, *given, **named)

        def at_home(*given: Any, **named: Any) -> Any:
            with living_in(world):
                return work(*given, **named)

        return submit(pool, at_home, *given, **named)

    return submitted


def inherited() -> dict[str, str]:
    """What a handler inherits from this process: nothing that could lead it to an account."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
