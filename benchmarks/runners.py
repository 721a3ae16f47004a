"""Who applies a delivery: db-migrate and its peers, as whole processes, each as its documentation says."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sysconfig
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config

from benchmarks.made_history import ini_for
from benchmarks.standard_suite import PLAIN, SAFE, Change, Delivery

PROGRAMS = Path(sysconfig.get_path("scripts"))
AGAIN_SECONDS = 2.0
RUN_SECONDS = 1200.0
DELIVERY_SECONDS = 1800.0
Done = subprocess.CompletedProcess[str]
REVISION = '''"""{name}"""
import sqlalchemy as sa
from alembic import op

revision = "{id}"
down_revision = {down!r}


def upgrade() -> None:
    {ops}
'''


class RunnerFailed(Exception):
    """A runner gave up; the message ends with what it said."""


class Runner:
    """One way to change a database: writes its own files for a delivery, then applies what is pending.

    One that fails, as by a deadlock with the application, is started again, as a person would do it.
    """

    name = ""
    deliveries: Sequence[Delivery] = PLAIN
    tries = 3

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder / self.name
        self.folder.mkdir(parents=True)
        self.url = url
        self.number = 0
        self.again = 0

    def deliver(self, changes: Sequence[Change]) -> None:
        """Write these changes and apply them. Raises RunnerFailed."""
        for change in changes:
            self.number += 1
            self.write(change)
        until = time.monotonic() + DELIVERY_SECONDS
        for left in reversed(range(self.tries)):
            done = self.apply()
            if done.returncode == 0:
                return
            if not left or time.monotonic() > until or not self.may_go_on(done):
                said = (done.stdout + done.stderr)[-3000:]
                raise RunnerFailed(
                    f"{self.name} failed with {done.returncode}, try {self.again + 1}:\n{said}"
                )
            self.again += 1
            time.sleep(AGAIN_SECONDS)

    def write(self, change: Change) -> None:
        raise NotImplementedError

    def apply(self) -> Done:
        raise NotImplementedError

    def may_go_on(self, done: Done) -> bool:
        """Whether it makes sense to start it again."""
        return True

    def run(self, *words: str | Path) -> Done:
        """One of its programs, from start to end. Raises RunnerFailed where there is none."""
        try:
            return subprocess.run(
                [PROGRAMS / words[0], *words[1:]],
                cwd=self.folder,
                env={**os.environ, "PYTHONHASHSEED": "0"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=RUN_SECONDS,
            )
        except subprocess.TimeoutExpired as late:
            said = ((late.stdout or b"") + (late.stderr or b"")).decode(errors="replace")[-3000:]
            raise RunnerFailed(f"{self.name} had no end after {RUN_SECONDS:.0f} s:\n{said}") from late


class Alembic(Runner):
    """`alembic upgrade head` with the env.py of its generic template: one transaction for a delivery."""

    name = "alembic"

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url)
        self.location = self.folder / "migrations"
        with contextlib.redirect_stdout(io.StringIO()):  # alembic init tells each file that it writes
            command.init(Config(str(self.folder / "alembic.ini")), str(self.location))

    def write(self, change: Change) -> None:
        down = f"{self.number - 1:04}" if self.number > 1 else None
        text = REVISION.format(name=change.name, id=f"{self.number:04}", down=down, ops=change.ops)
        (self.location / "versions" / f"{self.number:04}_{change.name}.py").write_text(text)

    def apply(self) -> Done:
        ini = ini_for(self.folder, self.url.replace("postgresql://", "postgresql+pg8000://"))
        return self.run("alembic", "-c", ini, "upgrade", "head")


class DbMigrate(Alembic):
    """`db-migrate deploy`; where a lock stays taken or work goes on it is started again after a while, as the
    state machine does."""

    name = "db-migrate"
    deliveries = SAFE
    tries = 200

    def apply(self) -> Done:
        options: list[str | Path] = [
            "--migrations",
            self.location,
            "--database",
            self.url,
            "--format",
            "json",
        ]
        return self.run("db-migrate", *options, "deploy")

    def may_go_on(self, done: Done) -> bool:
        return any(f'"{error}' in done.stdout for error in ("LockNotFree", "WorkContinues"))


class Dbmate(Runner):
    """`dbmate up`: SQL files, a transaction each."""

    name = "dbmate"

    def write(self, change: Change) -> None:
        path = self.folder / "db" / "migrations" / f"{20260101000000 + self.number}_{change.name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"-- migrate:up\n{change.sql};\n\n-- migrate:down\n")

    def apply(self) -> Done:
        return self.run("dbmate", "--url", f"{self.url}?sslmode=disable", "--no-dump-schema", "up")


class Yoyo(Runner):
    """`yoyo apply`: SQL files, a transaction each."""

    name = "yoyo"

    def write(self, change: Change) -> None:
        (self.folder / f"{self.number:04}.{change.name}.sql").write_text(f"{change.sql};\n")

    def apply(self) -> Done:
        return self.run("yoyo", "apply", "--batch", "--no-config-file", "--database", self.url, self.folder)


RUNNERS: dict[str, Callable[[Path, str], Runner]] = {
    runner.name: runner for runner in (DbMigrate, Alembic, Dbmate, Yoyo)
}
