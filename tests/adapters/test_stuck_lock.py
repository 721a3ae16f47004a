"""A lock that nobody gives back for ten minutes: the application never notices the run that wants it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.project import Project, connected, rows, until
from tests.domain.evidences import plan, seen
from tests.service.conftest import STAGING
from tests.service.fakes import FakeBundles

from dbmigrate.adapters import blockers, runner
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.domain.effects import Effects, Lock
from dbmigrate.domain.errors import LockNotFree
from dbmigrate.domain.evidence import Evidence
from dbmigrate.service import preflight
from dbmigrate.service.upgrade import upgrade

MACHINE = Path(__file__).parents[2] / "statemachine" / "migration.asl.json"
MOST_STALL = 1.0  # seconds: the budget of 0.1 with what a busy machine adds; unheeded, it would be minutes
AGE = "SELECT clock_timestamp() - xact_start > interval '1 s' FROM pg_stat_activity WHERE pid = {}"
ALTER = "ALTER TABLE one ADD note text"


class Traffic:
    """One client that reads without a pause; ``worst`` is its slowest request, in seconds."""

    def __init__(self, url: str) -> None:
        self.url, self.worst, self.requests = url, 0.0, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with connected(self.url) as session:
            while not self._over.is_set():
                began = time.perf_counter()
                session.run("SELECT count(*) FROM one")
                self.worst = max(self.worst, time.perf_counter() - began)
                self.requests += 1


def waits_of_the_machine() -> list[float]:
    """How long, in seconds, the state machine waits at most before each further try."""
    states: dict[str, Any] = json.loads(MACHINE.read_text())["States"]
    (rule,) = (each for each in states["Upgrade"]["Retry"] if "LockNotFree" in each["ErrorEquals"])
    first, rate, most = rule["IntervalSeconds"], rule["BackoffRate"], rule.get("MaxDelaySeconds", 1e9)
    return [min(first * rate**number, most) for number in range(rule["MaxAttempts"])]


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting costs the application nothing, so the test does without it; tries are the real ones."""
    monkeypatch.setattr(preflight, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(blockers, "YOUNG_SECONDS", 0.05)
    monkeypatch.setattr(runner, "QUICK_TRIES", 2)


@pytest.fixture
def held(database: str) -> Iterator[int]:
    """A session that has read the table and forgot to end its transaction; its pid."""
    with connected(database) as admin, connected(database) as holder:
        admin.run("CREATE TABLE one (id int)")
        holder.run("BEGIN")
        holder.run("SELECT * FROM one")
        yield holder.run("SELECT pg_backend_pid()")[0][0]


def run_to_the_end(project: Project, database: str, locks: tuple[Lock, ...]) -> list[LockNotFree]:
    """The invocations of one run, as the machine makes them; returns how each ended."""
    history = project.add("a1", None, ALTER).history()
    revision = seen("a1", statements=(Effects(ALTER, locks=locks),))
    evidence = Evidence(15, ("a1",), {"a1": revision})
    planned = plan(start="base", end="a1")
    bundles = FakeBundles({planned.digest: planned.to_json()})
    approval = {"status": "approved", "digest": planned.digest, "by": "bob"}
    db = Database(target_from_url(database), "staging")
    ends = []

    def opened(_: str) -> Any:
        return history, evidence

    for _ in [0.0, *waits_of_the_machine()]:
        with pytest.raises(LockNotFree) as failed:
            upgrade("run-1", planned.slim(), approval, {}, STAGING, bundles, db, opened)
        ends.append(failed.value)
    return ends


@pytest.mark.usefixtures("fast")
def test_one_that_the_evidence_foretells_is_never_queued_for(
    project: Project, database: str, held: int
) -> None:
    until(lambda: rows(database, AGE.format(held)) == [(True,)])  # too old to be outlasted by quick tries
    with Traffic(database) as traffic:
        ends = run_to_the_end(project, database, (Lock("public.one", "ACCESS EXCLUSIVE"),))
    assert sum(waits_of_the_machine()) >= 600, "ten minutes at the least"
    assert all(f"In its way: pid {held} (somebody else)" in end.message for end in ends)
    assert traffic.requests > 100 and traffic.worst < MOST_STALL
    assert rows(database, "SELECT to_regclass('alembic_version')") == [(None,)], "nothing was changed"


@pytest.mark.usefixtures("fast")
def test_one_that_nothing_foretold_costs_a_budget_a_try(project: Project, database: str, held: int) -> None:
    with Traffic(database) as traffic:
        ends = run_to_the_end(project, database, ())
    assert len(ends) <= 20, "tries are few"
    assert all(f"Held by pid {held} (somebody else)" in end.message for end in ends)
    assert traffic.requests > 100 and traffic.worst < MOST_STALL
    assert "note" not in str(rows(database, "SELECT * FROM information_schema.columns"))
