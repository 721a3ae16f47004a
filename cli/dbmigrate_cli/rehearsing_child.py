"""The rehearsal's side of the fence: the process that runs other people's Python."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from dbmigrate.domain.errors import DbMigrateError
from dbmigrate_cli.families import die_with_parent, mapped_by_us

Progress = Callable[[int, int, str], None]
STEPS = "alembic.runtime.migration"  # says "Running upgrade a -> b" before each step


def run_apart(work: Callable[[Progress], Any], memory: int, messages: Connection, output: Connection) -> None:
    """Do the work, tell how it goes, and end. Never returns."""
    ours = os.getpid()

    def tell(kind: str, *what: Any) -> None:
        if os.getpid() == ours:  # else a revision forked and came back here twice
            messages.send((kind, *what))

    _detach(output)
    _limit_memory(memory)
    _watch_steps(tell)
    try:
        result = work(lambda done, total, revision: tell("progress", done, total, revision))
        tell("done", result)
    except BaseException as error:
        _limit_memory(0)
        _tell_failure(tell, error)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(0)


def _detach(output: Connection) -> None:
    """A session of its own, no keyboard, and what is printed goes to ``output``."""
    with contextlib.suppress(OSError):
        os.setsid()
    die_with_parent()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    sys.stdin = io.StringIO()
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, "w", closefd=False), errors="replace", write_through=True)
        for number in (1, 2)
    )


def _limit_memory(more: int) -> None:
    """``more`` bytes than are mapped now; 0 lifts the limit, so that a failure can be told."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        mapped = mapped_by_us()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + more if more and mapped else hard, hard))


def _watch_steps(tell: Callable[..., None]) -> None:
    class Steps(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            step = record.args[0] if isinstance(record.args, tuple) and record.args else None
            if revision := getattr(getattr(step, "revision", None), "revision", None):
                tell("step", revision, "upgrade" if getattr(step, "is_upgrade", True) else "downgrade")

    logger = logging.getLogger(STEPS)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(Steps())


def _tell_failure(tell: Callable[..., None], error: BaseException) -> None:
    with contextlib.suppress(OSError):
        if _for_want_of_memory(error):
            tell("memory")
        elif not isinstance(error, Exception):
            tell("raised", f"{type(error).__name__}: {error}")
        else:
            if not isinstance(error, DbMigrateError):
                error.add_note("".join(traceback.format_exception(error)))
            try:
                packed = (type(error), error.args, dict(error.__dict__))
                ForkingPickler.loads(ForkingPickler.dumps(packed))
            except Exception:
                packed = (RuntimeError, (f"{type(error).__name__}: {error}",), {})
            tell("failed", *packed)


def _for_want_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False
