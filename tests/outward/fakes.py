"""What we own, in memory: the ports of the services as they behave, without AWS."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from dbmigrate.adapters.alarms import Alarm
from dbmigrate.domain.approval import MOST_TRIES, Link, Request
from dbmigrate.domain.backup import Snapshot, copy_id
from dbmigrate.domain.errors import PlanOutdated
from dbmigrate.domain.plan import Plan, Step
from dbmigrate.domain.point_in_time import RestoreWindow
from dbmigrate.service.desk import Desk

NOW = 1_800_000_000
SECRET = "s" * 43
ADA, GRACE, LINUS = "ada@example.com", "grace@example.com", "linus@example.com"


def make_plan(**changes) -> Plan:
    step = Step(
        "rev1",
        "Add a table of notes.\n\nRollback: drop it.",
        ("CREATE TABLE notes (id int)",),
        round_trip=True,
    )
    values = {
        "bundle": "sha256:" + "a" * 64,
        "environment": "staging",
        "direction": "upgrade",
        "start": "base",
        "end": "rev1",
        "steps": (step,),
        "predicted_seconds": 94.0,
        "requested_by": ADA,
    }
    return Plan(**{**values, **changes})


def make_request(plan: Plan, **changes) -> Request:
    values = {
        "run": "staging-aaaaaaaaaaaa",
        "plan": plan.digest,
        "code": plan.code,
        "environment": plan.environment,
        "requested_by": plan.requested_by,
        "requested_at": NOW - 600,
        "expires_at": NOW + 3600,
        "backup": {"id": "db-migrate-staging-aaaaaaaaaaaa-1", "status": "available"},
    }
    return Request(**{**values, **changes})


class Meter:
    """Keeps the metrics in the order in which they were emitted."""

    def __init__(self) -> None:
        self.emitted: list[tuple[str, float]] = []

    def __call__(self, name: str, value: float = 1) -> None:
        self.emitted.append((name, value))


class FakeApprovals:
    """The approvals table with its conditional writes."""

    def __init__(self) -> None:
        self.requests: dict[str, Request] = {}
        self.tokens: dict[str, str] = {}
        self.links: dict[str, Link] = {}
        self._lock = threading.Lock()

    def open(self, request: Request, token: str) -> bool:
        known = self.requests.get(request.run)
        if known and known.status != "pending" and self.tokens[request.run] == token:
            return False
        self.requests[request.run], self.tokens[request.run] = request, token
        return True

    def add_link(self, secret: str, link: Link) -> None:
        self.links[secret] = link

    def link(self, secret: str) -> Link | None:
        return self.links.get(secret)

    def request(self, run: str) -> Request | None:
        return self.requests.get(run)

    def waiting(self, now: int) -> list[Request]:
        return [one for one in self.requests.values() if one.status == "pending" and one.expires_at > now]

    def take_try(self, secret: str) -> int:
        link = self.links[secret]
        if link.tries >= MOST_TRIES:
            return MOST_TRIES + 1
        self.links[secret] = replace(link, tries=link.tries + 1)
        return link.tries + 1

    def decide(self, link: Link, status: str, comment: str, now: int) -> str | None:
        with self._lock:
            found = self.requests[link.run]
            if found.status != "pending" or found.plan != link.plan or found.expires_at <= now:
                return None
            decision = {"status": status, "decided_by": link.approver, "decided_at": now, "comment": comment}
            self.requests[link.run] = replace(found, **decision)
            return self.tokens[link.run]

    def amend(self, link: Link, status: str) -> None:
        self.requests[link.run] = replace(self.requests[link.run], status=status)


class FakePlans:
    """Plans by digest, and drills by the digest of their bundle."""

    drills: ClassVar[dict[str, dict]] = {}

    def drill_of(self, bundle_digest: str) -> dict | None:
        return self.drills.get(bundle_digest)

    def __init__(self, *plans: Plan) -> None:
        self.stored = {plan.digest: plan.to_json() for plan in plans}

    def get_plan(self, digest: str) -> dict:
        if digest not in self.stored:
            raise PlanOutdated(f"Plan {digest} is not here.")
        return self.stored[digest]


class FakeTokens:
    """A run that waits, one that no longer does, or AWS out of order."""

    def __init__(self, waits: bool = True, broken: bool = False) -> None:
        self.waits, self.broken, self.heard = waits, broken, []

    def succeed(self, token: str, output: dict) -> bool:
        return self._hear("succeed", token, output)

    def fail(self, token: str, error: str, cause: str) -> bool:
        return self._hear("fail", token, error, cause)

    def _hear(self, *said) -> bool:
        if self.broken:
            raise ConnectionError("no route to AWS")
        if self.waits:
            self.heard.append(said)
        return self.waits


class FakeMessages:
    """A mailbox."""

    def __init__(self) -> None:
        self.links: dict[str, tuple[str, str]] = {}
        self.notices: list[tuple[str, str]] = []

    def send_link(self, approver: str, subject: str, text: str) -> None:
        self.links[approver] = (subject, text)

    def announce(self, subject: str, text: str) -> None:
        self.notices.append((subject, text))


class FakeBackups:
    """Snapshots that are as far as the test says, of a database that RDS could restore to just now."""

    kind, region = "instance", "eu-west-1"

    def __init__(self, status: str = "creating", percent: int = 40, failure: Exception | None = None) -> None:
        self.status, self.percent, self.failure = status, percent, failure
        self.tags: dict[str, dict[str, str]] = {}
        self.days, self.behind = 7, 120.0

    def window(self) -> RestoreWindow:
        return RestoreWindow("app", "instance", self.days, NOW - self.behind)

    def start(self, snapshot: str, tags: dict[str, str]) -> None:
        if self.failure:
            raise self.failure
        self.tags.setdefault(snapshot, tags)

    def look(self, snapshot: str) -> Snapshot:
        if self.failure:
            raise self.failure
        return Snapshot(snapshot, self.status, self.percent, self.tags[snapshot])


class FakeCopies:
    """Copies that are as far as the test says."""

    def __init__(self, region: str = "", account: str = "", status: str = "creating") -> None:
        self.region, self.account, self.status = region, account, status
        self.begun: dict[str, Snapshot] = {}
        self.shared: list[str] = []

    def find(self, original: Snapshot) -> Snapshot | None:
        found = self.begun.get(copy_id(original.id))
        return replace(found, status=self.status) if found else None

    def begin(self, original: Snapshot) -> Snapshot:
        assert original.status == "available"
        copy = Snapshot(copy_id(original.id), "creating", 0, original.tags)
        self.begun[copy.id] = copy
        return copy

    def share(self, snapshot: Snapshot) -> None:
        assert snapshot.status == "available"
        self.shared.append(snapshot.id)


class FakeAlarms:
    """Alarms by name: the state and the epoch second since which they have it."""

    def __init__(self, **states: tuple[str, int]) -> None:
        self.states = states

    def named(self, names) -> list[Alarm]:
        return [
            Alarm(name, state, datetime.fromtimestamp(since, UTC), "Threshold crossed")
            for name, (state, since) in self.states.items()
            if name in names
        ]


class OpenDesk:
    """A desk at which one approver's link to one plan waits."""

    def __init__(self, plan: Plan | None = None, tokens: FakeTokens | None = None, **request) -> None:
        self.plan = plan or make_plan()
        self.approvals, self.tokens, self.meter = FakeApprovals(), tokens or FakeTokens(), Meter()
        self.request = make_request(self.plan, **request)
        self.approvals.open(self.request, "task-token")
        self.approvals.add_link(SECRET, Link(self.request.run, self.plan.digest, GRACE, NOW + 3600))

    def at(self, now: float = NOW) -> Desk:
        return Desk(self.approvals, FakePlans(self.plan), self.tokens, self.meter, now)

    @property
    def status(self) -> str:
        return self.approvals.requests[self.request.run].status
