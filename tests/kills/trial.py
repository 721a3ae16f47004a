"""One database, migrated by processes that are killed or lose their connections until nothing is pending."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.adapters.project import connected, rows, until

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import History
from dbmigrate.domain.catalog import Catalog, changes_between
from dbmigrate.domain.standing import label
from dbmigrate.service.inspect import status

ROOT = Path(__file__).resolve().parents[2]
OURS = "datname = current_database() AND application_name LIKE 'db-migrate%'"
WORKING = f"SELECT pid FROM pg_stat_activity WHERE {OURS} AND application_name NOT LIKE '% long'"
DROP = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {OURS}"
PATTERNS = (
    "CONCURRENTLY",
    "VALIDATE",
    "UPDATE",
    "dbmigrate.work",
    "ALTER TABLE",
    "alembic_version",
    "COMMIT",
)


class Zygote:
    """Starts migrators; see zygote.py."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **question: Any) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@dataclass
class Trial:
    """``kills`` counts what hit a process at work; ``named`` what status said of the state in between."""

    zygote: Zygote
    url: str
    history: History
    log: Path
    chance: random.Random
    kills: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return Database(target_from_url(self.url), "development")

    def start(self) -> int:
        arguments = ["--migrations", str(self.history.folder), "--database", self.url, "deploy"]
        return self.zygote.ask(arguments=arguments, log=str(self.log))

    def hit(self, seconds: float) -> bool:
        """Start a migrator and hit it within so many seconds; whether it still ran. Its sessions are gone
        when this returns, but for a statement that outlives it."""
        pid = self.start()
        self._wait_for_the_moment(pid, seconds)
        drop = self.chance.random() < 0.35
        alive = _alive(pid)
        if alive and drop:
            rows(self.url, DROP)
        elif alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        code = self.zygote.ask(wait=pid)
        assert alive or code == 0, f"Nobody hit it, and it failed.\n{self.log.read_text()}"
        until(lambda: not rows(self.url, WORKING))
        hit = code != 0
        self.kills += hit
        return hit

    def _wait_for_the_moment(self, pid: int, seconds: float) -> None:
        """A chance moment, or the first sight of a chance kind of statement."""
        limit = time.monotonic() + self.chance.uniform(0, seconds)
        pattern = self.chance.choice(PATTERNS) if self.chance.random() < 0.5 else None
        seen = f"SELECT 1 FROM pg_stat_activity WHERE {OURS} AND query LIKE '%{pattern}%'"
        with connected(self.url) as looking:
            while time.monotonic() < limit and _alive(pid):
                if pattern and looking.run(seen):
                    return
                time.sleep(0.002)

    def finish(self) -> int:
        """One migrator that nobody disturbs; its exit code."""
        return self.zygote.ask(wait=self.start())

    def check_named(self, expected: dict[str, Catalog]) -> None:
        """Whatever differs from a recorded revision is named by status."""
        report = status("development", self.database, self.history)
        standing = self.database.look()
        differences = changes_between(expected[label(standing.current)], standing.catalog)
        unfinished = report["unfinished"]
        assert unfinished or not differences, (report, differences)
        self.named += [f"{work['revision']} {work['operation']} {work['step']}" for work in unfinished]


def _alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextlib.contextmanager
def zygote() -> Iterator[Zygote]:
    found = Zygote()
    try:
        yield found
    finally:
        found.close()
