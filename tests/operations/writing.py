"""An application that goes on while the schema changes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from tests.adapters.project import connected


@contextlib.contextmanager
def writers(url: str, *statements: str) -> Iterator[list[str]]:
    """A thread that runs each statement over and over; the list has what failed. Each ran at least once
    before and once after what is done meanwhile."""
    failed: list[str] = []
    ended = threading.Event()
    ready = [threading.Event() for _ in statements]
    threads = [
        threading.Thread(target=_write, args=(url, statement, ended, at, failed))
        for statement, at in zip(statements, ready, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        for at in ready:
            assert at.wait(20)
        yield failed
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _write(
    url: str, statement: str, ended: threading.Event, ready: threading.Event, failed: list[str]
) -> None:
    with connected(url) as session:
        while not (ended.is_set() and ready.is_set()):
            try:
                session.run(statement)
            except Exception as error:
                failed.append(f"{statement}: {error}")
            ready.set()
            ended.wait(0.002)
