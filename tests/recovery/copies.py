"""An old instance and its restored copy: two real servers, the second from a base backup of the first."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.adapters.project import FACTS, Project, connected, rows, until
from tests.adapters.servers import own_server
from tests.service.fakes import FakeBundles, FakeRecoveryLog

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.instance import Instance
from dbmigrate.domain.recovery import Record, RecoveryPlan
from dbmigrate.service.compare_copy import compare_copy
from dbmigrate.service.verify_copy import verify_copy
from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.embedded import EmbeddedPostgres

RECOVERY = "staging-recovery-1"
PLAN = RecoveryPlan(RECOVERY, "staging", "app", "app-r-1", "app-before-1", time="2026-11-29T03:00:00+00:00")
TABLES = """
CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, owner bigint REFERENCES users, total numeric, at timestamptz);
CREATE TABLE log (line text);
CREATE SEQUENCE numbers"""
FILLED = """
INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 200) n;
INSERT INTO orders SELECT n, 1 + n % 200, n * 1.5, now() FROM generate_series(1, 5000) n;
INSERT INTO log SELECT 'line ' || n FROM generate_series(1, 300) n;
SELECT nextval('numbers')"""


@dataclass
class FakeNotebook:
    """What the slices leave for each other, after a way through JSON."""

    pages: dict[str, Any] = field(default_factory=dict)

    def read(self, recovery: str) -> Mapping[str, Any] | None:
        return self.pages.get(recovery)

    def write(self, recovery: str, values: Mapping[str, Any]) -> None:
        self.pages[recovery] = json.loads(json.dumps(values))


@dataclass
class Recovery:
    """Both instances, and the use cases as the handlers call them."""

    old_url: str
    copy_url: str
    log: FakeRecoveryLog = field(default_factory=FakeRecoveryLog)
    notebook: FakeNotebook = field(default_factory=FakeNotebook)
    bundles: FakeBundles = field(default_factory=FakeBundles)
    slice: float = 60.0

    def __post_init__(self) -> None:
        self.log.put(Record(RECOVERY, "restoring", PLAN.slim(), {"planned": 1.0}))
        self.bundles.put_plan(PLAN.digest, PLAN.to_json())

    @contextlib.contextmanager
    def instances(self) -> Iterator[tuple[Instance, Instance]]:
        with Instance(database(self.copy_url)) as copy, Instance(database(self.old_url)) as old:
            yield copy, old

    def verify(self, plan: Mapping[str, Any] | None = None, budget: float = 600.0) -> dict[str, Any]:
        """All slices; the last answer, with how many there were."""
        answer: dict[str, Any] = {"cursor": None}
        for slices in range(1, 10_000):
            with self.instances() as (copy, old):
                given = (RECOVERY, plan or PLAN.slim(), answer["cursor"], copy, old)
                end = time.monotonic() + self.slice
                answer = verify_copy(*given, self.notebook, self.log, end, budget, 2.0)
            if answer["status"] == "done":
                return answer | {"slices": slices}
        raise AssertionError("it never ends")

    def compare(self, budget: float = 600.0) -> dict[str, Any]:
        answer: dict[str, Any] = {"cursor": None}
        for slices in range(1, 10_000):
            with self.instances() as (copy, old):
                given = (RECOVERY, PLAN.slim(), answer["cursor"], copy, old)
                stores = (self.notebook, self.log, self.bundles)
                end = time.monotonic() + self.slice
                answer = compare_copy(*given, *stores, end, budget, 3.0)
            if answer["status"] == "done":
                return answer | {"slices": slices}
        raise AssertionError("it never ends")

    def report(self, **given: Any) -> dict[str, Any]:
        """The report of the final plan, after both questions."""
        self.verify()
        digest = self.compare(**given)["plan"]["digest"]
        return dict(self.bundles.plans[digest]["report"])

    def on_old(self, sql: str) -> None:
        with connected(self.old_url) as session:
            session.run(sql)

    def on_copy(self, sql: str) -> None:
        with connected(self.copy_url) as session:
            session.run(sql)

    def ledger(self, what: str = "name, direction, outcome") -> list[tuple[Any, ...]]:
        return rows(self.copy_url, f"SELECT {what} FROM dbmigrate.run ORDER BY started_at")


def database(url: str, environment: str = "staging") -> Database:
    return Database(target_from_url(url), environment)


def migrated(server: EmbeddedPostgres, project: Project, name: str = "app") -> str:
    """A database that one run of ours has made, and that an application has filled since."""
    url = server.create_database(name)
    history = project.add("a1", None, "CREATE TABLE settings (id int PRIMARY KEY)").history()
    db = database(url)
    with connected(url) as session:
        session.run(TABLES)
        session.run(FILLED)
    counted = "SELECT count(*) FROM pg_stat_user_tables WHERE n_tup_ins > 0"
    until(lambda: rows(url, counted) == [(3,)])  # a session hands its counters in when it has ended
    db.move(history, ["a1"], "upgrade", "run-1", FACTS)
    db.close_run("run-1", "Succeeded", "", remember=True)
    return url


@contextlib.contextmanager
def copy_of(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """A second server from a base backup of the first."""
    with tempfile.TemporaryDirectory(prefix="db-migrate-tests-") as folder:
        second = EmbeddedPostgres(find_binaries(), Path(folder) / "copy")
        second.account.give(second.folder, 0o755)
        where = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
        server.run("pg_basebackup", *where, "-D", second.data, "-c", "fast", "-X", "stream")
        with second:
            yield second
        shutil.rmtree(second.data, ignore_errors=True)


@contextlib.contextmanager
def physical(project: Project) -> Iterator[Recovery]:
    """The old instance and a copy of it as it is now, with the counters of the old one as they were."""
    with own_server() as server:
        url = migrated(server, project)
        with copy_of(server) as second:
            yield Recovery(url, second.url_for("app"))
