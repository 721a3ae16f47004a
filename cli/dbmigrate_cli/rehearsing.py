"""A rehearsal runs Python of other people: in a process of its own, with limits, so that nothing remains."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from dbmigrate.adapters.connection import Limits, Target, connected
from dbmigrate.domain.errors import DbMigrateError, LimitExceeded, RehearsalFailed
from dbmigrate_cli.bounds import MIB, Bounds
from dbmigrate_cli.families import LINUX, Family
from dbmigrate_cli.options import Options
from dbmigrate_cli.rehearsing_child import Progress, run_apart

Result = TypeVar("Result")
MEND = "mend the revision, then: db-migrate validate"
TICK = 0.05  # seconds between two looks at the processes
LAST_WORDS = 2_000  # characters of what the revisions printed
BEGINNING = 30.0  # seconds that our own reading may take before the first revision
PATIENCE = 2.0  # seconds for a process to end that has closed its connection to us


def run_revisions(options: Options, scratch: Target, work: Callable[[Progress], Result]) -> Result:
    """``work``, confined, which runs revisions on ``scratch``; what they print goes to stderr at the end.

    Raises what confined raises.
    """
    progress = options.output.progress("Rehearsing")
    printed: list[str] = []
    try:
        return confined(work, options.bounds, progress, partial(end_sessions, scratch), printed.append)
    finally:
        progress.clear()
        for line in options.masked("".join(printed)).strip().splitlines():
            options.output.note(f"A revision printed: {line}")


def confined(
    work: Callable[[Progress], Result],
    bounds: Bounds,
    progress: Progress,
    stop: Callable[[], None] = lambda: None,
    said: Callable[[str], None] = lambda text: None,
) -> Result:
    """What ``work(progress)`` returns, run in a child process.

    Whatever it started is killed at the end. ``stop`` is called when it was not at its end: statements may
    still run for it on the server. ``said`` gets the end of what it printed, if anything. Where this process
    has several threads, or is not on Linux, ``work`` must be one that can be pickled.

    Raises LimitExceeded, RehearsalFailed when the process ends by itself, and whatever the work raises.
    """
    alone = LINUX and threading.active_count() == 1
    if not alone:  # Python's own helper of spawned processes is none of the family
        resource_tracker.ensure_running()
    family = Family()
    watch = _Watch(bounds, progress, family, "fork" if alone else "spawn")
    try:
        return watch.over(work)  # type: ignore[no-any-return]
    finally:
        family.end()
        watch.close()
        if not watch.finished:
            stop()
        if watch.printed:
            said(watch.printed.decode(errors="replace"))


class _Watch:
    def __init__(self, bounds: Bounds, progress: Progress, family: Family, way: str) -> None:
        self.context: Any = multiprocessing.get_context(way)
        self.bounds = bounds
        self.progress = progress
        self.family = family
        self.finished = False
        self.printed = b""
        self.where = "The rehearsal, before its first revision,"
        self.since = time.monotonic() + BEGINNING
        self.process: Any = None
        self.open: list[Connection] = []

    def over(self, work: Callable[[Progress], Any]) -> Any:
        """Start the work and see it through."""
        sys.stdout.flush()
        sys.stderr.flush()
        messages, tells = self.context.Pipe(duplex=False)
        output, prints = self.context.Pipe(duplex=False)
        self.open = [messages, output]
        os.set_blocking(output.fileno(), False)
        self.process = self.context.Process(target=run_apart, args=(work, self.bounds.memory, tells, prints))
        self.process.start()
        self.family.begin(self.process.pid)
        tells.close()
        prints.close()
        return self._listen(messages, output)

    def _listen(self, messages: Connection, output: Connection) -> Any:
        looked = 0.0
        while True:
            ready = wait([c for c in (messages, output) if not c.closed], TICK)
            if output in ready:
                self._hear(output)
            if messages in ready:
                kind, *what = self._next(messages)
                if kind == "done":
                    self.finished = True
                    return what[0]
                self._take(kind, what)
            elif self.process.exitcode is not None and not messages.poll():
                raise self._ended()
            if time.monotonic() - looked > TICK:
                looked = time.monotonic()
                self._check()

    def _next(self, messages: Connection) -> Any:
        try:
            return messages.recv()
        except (EOFError, OSError) as error:
            limit = time.monotonic() + PATIENCE
            while self.process.exitcode is None and time.monotonic() < limit:
                time.sleep(0.005)  # joining would wait on a file that the process may have closed as well
            raise self._ended() from error

    def _take(self, kind: str, what: list[Any]) -> None:
        if kind == "progress":
            self._now_at(f"Revision {what[2]}")
            self.progress(*what)
        elif kind == "step":
            self._now_at(f"Revision {what[0]}, {what[1]},")
        elif kind == "memory":
            raise self._too_much_memory()
        elif kind == "raised":
            raise RehearsalFailed(f"{self.where} raised {what[0]}.", MEND)
        else:
            raise self._failed(*what)

    def _failed(self, kind: type[Exception], args: tuple[Any, ...], facts: dict[str, Any]) -> Exception:
        """The child's error, whatever its class wants to be made with."""
        error = kind.__new__(kind)
        error.args = args
        error.__dict__.update(facts)
        self.finished = isinstance(error, DbMigrateError)
        if self.finished:
            return error
        broken = RehearsalFailed(f"{self.where} broke the rehearsal off: {kind.__name__}: {error}", MEND)
        broken.__cause__ = error
        return broken

    def _now_at(self, where: str) -> None:
        self.where, self.since = where, time.monotonic()

    def _hear(self, output: Connection) -> None:
        with contextlib.suppress(BlockingIOError):
            piece = os.read(output.fileno(), 1 << 16)
            self.printed = (self.printed + piece)[-LAST_WORDS:]
            if not piece:
                output.close()

    def _check(self) -> None:
        if time.monotonic() - self.since > self.bounds.seconds:
            raise LimitExceeded(
                f"{self.where} had not ended after {self.bounds.seconds:g} s and was stopped.",
                "mend the revision; if it needs longer even on a few rows: --revision-timeout SECONDS",
            )
        members = self.family.members()
        if len(members) > self.bounds.processes:
            raise LimitExceeded(
                f"{self.where} started more than {self.bounds.processes} processes and was stopped.", MEND
            )
        if self.family.memory(members) > self.bounds.memory:
            raise self._too_much_memory()

    def _too_much_memory(self) -> LimitExceeded:
        return LimitExceeded(
            f"{self.where} took more than {self.bounds.memory // MIB} MiB of memory and was stopped.",
            "mend the revision, reading rows in batches; if it needs more: --revision-memory MIB",
        )

    def _ended(self) -> RehearsalFailed:
        code = self.process.exitcode
        if code is None:
            how = "closed the files of its process, the connection to the rehearsal among them"
        else:
            how = f"ended its process with exit code {code}" if code >= 0 else f"was killed by signal {-code}"
        return RehearsalFailed(f"{self.where} {how}.", MEND)

    def close(self) -> None:
        """Hear the rest of what was printed, and let go of the pipes and the process."""
        for connection in self.open[1:]:
            if not connection.closed:
                self._hear(connection)
        for connection in self.open:
            connection.close()
        if self.process is not None and self.process.pid:
            self.process.join()


def end_sessions(scratch: Target) -> None:
    """End whatever still runs in the scratch database; a server that is gone runs nothing."""
    with (
        contextlib.suppress(DbMigrateError),
        connected(scratch, Limits(application="db-migrate clean-up")) as connection,
    ):
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
