"""In-memory doubles of what the use cases need: a history, a database with its ledger, and a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbmigrate.domain.blockers import Blocker, Foretold
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.errors import HistoryRejected, UnknownRevision, WrongEnvironment
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.recovery import Record
from dbmigrate.domain.sizes import Size
from dbmigrate.domain.smoke import Smoke
from dbmigrate.domain.standing import DIRECT, Standing
from dbmigrate.domain.stats import Stats
from dbmigrate.domain.unfinished import Unfinished


class FakeHistory:
    """Revisions by what they follow; the digest of one is its id, edited or not."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.order = evidence.order
        self.edited: set[str] = set()
        self.smoke: tuple[Smoke, ...] = ()

    @property
    def head(self) -> str:
        below = {down for seen in self.evidence.revisions.values() for down in seen.down}
        heads = [revision for revision in self.order if revision not in below]
        if len(heads) > 1:
            raise HistoryRejected(f"The history has {len(heads)} heads")
        return heads[0] if heads else "base"

    def applied(self, current: Iterable[str]) -> set[str]:
        heads = list(current)
        for revision in heads:
            if revision not in self.order:
                raise UnknownRevision(f"revision '{revision}'")
        return self.evidence.applied(heads)

    def pending(self, current: Iterable[str]) -> list[str]:
        applied = self.applied(current)
        return [revision for revision in self.order if revision not in applied]

    def smoke_queries(self) -> tuple[Smoke, ...]:
        return self.smoke

    def source_digest(self, revision: str) -> str | None:
        seen = self.evidence.revisions.get(revision)
        return seen and (f"edited {revision}" if revision in self.edited else seen.source_digest)


@dataclass
class FakeDatabase:
    """Moves by the evidence's catalog changes and keeps the same ledger that the real one keeps.

    ``fails`` maps a revision to what moving it raises; ``meanwhile`` runs under the migrators' lock.
    """

    history: FakeHistory
    environment: str = "staging"
    stamp: str = "staging"
    server_major: int = 15
    catalog_now: Catalog = field(default_factory=dict)
    heads: set[str] = field(default_factory=set)
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    open: list[dict[str, Any]] = field(default_factory=list)
    kept: tuple[str, Catalog] | None = None
    invalid: list[str] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)
    fails: dict[str, BaseException] = field(default_factory=dict)
    meanwhile: Callable[[], None] = lambda: None
    in_the_way: list[Blocker] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    asked: list[Foretold] = field(default_factory=list)
    looks: int = 0
    half: list[Unfinished] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, dict[str, int]] = field(default_factory=dict)
    unanswered_numbers: set[int] = field(default_factory=set)

    def look(self, before_move: bool = False) -> Standing:
        self.looks += 1
        self._check()
        return Standing(
            current=self.current(),
            catalog=self.catalog(),
            kept=self.kept,
            applied=self._standing(),
            runs=list(reversed(self.open)),
            sizes={name: Size(0, size) for name, size in self.bytes.items()},
            invalid_indexes=self.invalid,
            server_major=self.server_major,
            server=f"{self.server_major}.1",
            unfinished=self.half,
        )

    def stats(self) -> Stats:
        self._check()
        return Stats({name: Size(0, size) for name, size in self.bytes.items()}, self.server_major)

    def current(self) -> tuple[str, ...]:
        self._check()
        return tuple(sorted(self.heads))

    def way_of(self, run: str) -> tuple[tuple[str, ...], dict[str, str]]:
        return self.current(), {revision: way for revision, way, by in self.lines if by == run}

    def began(self, run: str) -> str:
        return "then (WAL 0/7)" if any(line["run"] == run for line in self.open) else ""

    def unfinished(self) -> list[Unfinished]:
        return self.half

    def catalog(self) -> Catalog:
        return {kind: dict(objects) for kind, objects in self.catalog_now.items()}

    def move(
        self,
        history: Any,
        revisions: Sequence[str],
        direction: str,
        run: str,
        facts: Mapping[str, str | None],
        committed: Callable[[str, float, int], None] = lambda revision, seconds, lock_waits: None,
        check: Callable[[tuple[str, ...]], None] = lambda current: None,
    ) -> None:
        self._check()
        self.meanwhile()
        check(self.current())
        if not any(line["run"] == run for line in self.open):
            line = {"run": run, "started_at": "now", "revisions": [], **facts}
            self.open.append({**line, "ended_at": None, "outcome": None, "detail": None})
        for revision in revisions:
            if revision in self.fails:
                raise self.fails[revision]
            self._step(self.history.evidence.revisions[revision], direction)
            self.lines.append((revision, direction, run))
            committed(revision, 1.5, 2)
        if facts["bundle"] == DIRECT:
            self.close_run(run, "Succeeded", "", remember=True)

    def blockers(self, foretold: Foretold) -> list[Blocker]:
        self.asked.append(foretold)
        return list(self.in_the_way)

    def end_sessions(self, run: str, facts: Mapping[str, str | None], found: Sequence[Blocker]) -> list[str]:
        self.ended += [blocker.text for blocker in found]
        self.in_the_way = [blocker for blocker in self.in_the_way if blocker not in found]
        return [blocker.text for blocker in found]

    def close_run(self, run: str, outcome: str, detail: str, remember: bool) -> float | None:
        line = next((line for line in self.open if line["run"] == run and line["ended_at"] is None), None)
        if line is None:
            return None
        line |= {"ended_at": "then", "outcome": outcome, "detail": detail}
        if remember:
            self.kept = ",".join(self.current()) or "base", self.catalog()
        return 1.5 * sum(by == run for _, _, by in self.lines)

    def held(self, names: Sequence[str]) -> dict[str, int]:
        return {name: self.counts[name] for name in names if name in self.counts}

    def remained(self, revisions: Sequence[str]) -> dict[str, dict[str, int]]:
        return {revision: self.sums[revision] for revision in revisions if revision in self.sums}

    def unanswered(self, queries: Sequence[Smoke]) -> list[str]:
        wrong = (query for query in queries if query.number in self.unanswered_numbers)
        return [f"{query.name} returns no row" for query in wrong]

    def runs(self) -> list[dict[str, Any]]:
        moved = [
            {**line, "revisions": [r for r, _, by in self.lines if by == line["run"]]} for line in self.open
        ]
        return list(reversed(moved))

    def empty(self) -> None:
        self._check()
        self.heads, self.catalog_now, self.lines, self.open, self.kept = set(), {}, [], [], None

    def _check(self) -> None:
        if self.stamp != self.environment:
            raise WrongEnvironment(f"belongs to {self.stamp}")

    def _standing(self) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for revision, way, run in self.lines:
            found.pop(revision, None)
            if way == "upgrade":
                found[revision] = (self.history.evidence.revisions[revision].source_digest, run)
        return found

    def _step(self, seen: RevisionEvidence, direction: str) -> None:
        applied = self.history.applied(self.heads)
        applied = applied | {seen.revision} if direction == "upgrade" else applied - {seen.revision}
        below = {down for revision in applied for down in self.history.evidence.revisions[revision].down}
        self.heads = applied - below
        self.catalog_now = self.history.evidence.catalog_at(self.heads)


@dataclass
class FakeBundles:
    """A bucket: plans by digest, successes by environment and bundle."""

    plans: dict[str, dict[str, Any]] = field(default_factory=dict)
    successes: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def get_plan(self, digest: str) -> dict[str, Any]:
        return self.plans[digest]

    def put_plan(self, digest: str, plan: dict[str, Any]) -> None:
        self.plans[digest] = plan

    def has_succeeded(self, environment: str, bundle_digest: str) -> bool:
        return "undone_by" not in self.successes.get((environment, bundle_digest), {"undone_by": "nobody"})

    def record_success(self, environment: str, bundle_digest: str, data: dict[str, Any]) -> None:
        self.successes[environment, bundle_digest] = data

    def withdraw_success(self, environment: str, bundle_digest: str, run: str) -> None:
        self.successes[environment, bundle_digest] = {"undone_by": run}


@dataclass
class FakeRecoveryLog:
    """The records of recoveries, the one that was planned last at the end."""

    records: dict[str, Record] = field(default_factory=dict)

    def get(self, recovery: str) -> Record | None:
        return self.records.get(recovery)

    def put(self, record: Record) -> Record:
        current = self.records.get(record.recovery)
        kept = self.records[record.recovery] = record.beside(current) if current else record
        return kept

    def latest(self) -> Record | None:
        return next(reversed(self.records.values()), None)
