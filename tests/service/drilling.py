"""A drill in memory: RDS, the bucket, the copy, and the use cases as the handlers call them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.domain.evidences import DIGEST
from tests.outward.fakes import NOW, Meter
from tests.outward.recovery_fakes import FakeInstances, StoredPlans
from tests.service.conftest import THREE
from tests.service.fakes import FakeDatabase, FakeHistory

from dbmigrate.domain.drill import Held
from dbmigrate.domain.errors import WrongInstance
from dbmigrate.domain.evidence import Evidence
from dbmigrate.service import plan_drill, record_drill, rehearse

ID = "staging-drill-20270115-080000"


class FakeDrillLog:
    """What drills found, by name."""

    def __init__(self) -> None:
        self.drills: dict[str, dict[str, Any]] = {}
        self.pointers: dict[str, dict[str, Any]] = {}
        self.of_bundles: dict[str, dict[str, Any]] = {}
        self.uploaded = [DIGEST]

    def get(self, drill: str) -> dict[str, Any] | None:
        return self.drills.get(drill)

    def put(self, drill: str, values: Any) -> None:
        self.drills[drill] = dict(values)

    def pointer(self, word: str) -> dict[str, Any] | None:
        return self.pointers.get(word)

    def point(self, word: str, values: Any) -> None:
        self.pointers[word] = dict(values)

    def put_of_bundle(self, digest: str, values: Any) -> None:
        self.of_bundles[digest] = dict(values)

    def newest_bundles(self, most: int) -> list[str]:
        return self.uploaded[:most]


@dataclass
class FakeCopy(FakeDatabase):
    """A copy that bears the marks of these drills."""

    marks: set[str] = field(default_factory=set)

    def adopt(self, drill: str) -> None:
        if drill not in self.marks:
            raise WrongInstance(f"no mark of {drill}")

    def size(self) -> int:
        return 9


class FakeWatch:
    """Sees the locks that the test says."""

    def __init__(self, locks: list[Held]) -> None:
        self.locks = locks

    @contextmanager
    def watching(self) -> Iterator[None]:
        yield

    def held(self) -> list[Held]:
        return self.locks


class Drilling:
    """One environment, of whose history the first revision is applied when the copy is made."""

    def __init__(self) -> None:
        self.instances, self.plans, self.log = FakeInstances(), StoredPlans(), FakeDrillLog()
        self.meter, self.now = Meter(), float(NOW)
        self.histories: dict[str, FakeHistory] = {DIGEST: FakeHistory(THREE)}
        self.copy = FakeCopy(self.histories[DIGEST], marks={ID})
        facts = {"bundle": DIGEST, "plan": "", "direction": "upgrade"}
        self.copy.move(self.copy.history, ["a1"], "upgrade", ID, facts)
        self.locks: list[Held] = []

    def plan(self, drill: str = ID, execution: str = ID, **request: Any) -> dict[str, Any]:
        ports = plan_drill.Ports(self.instances, self.plans, self.log, self.now)
        event = {"drill": drill, "execution": execution, "request": request}
        return plan_drill.plan_drill(event, "staging", ports)

    def open_bundle(self, digest: str) -> tuple[FakeHistory, Evidence]:
        return self.histories[digest], self.histories[digest].evidence

    @property
    def ports(self) -> rehearse.Ports:
        return rehearse.Ports(
            self.copy, self.open_bundle, lambda: FakeWatch(self.locks), self.log, lambda: self.now
        )

    def rehearse(self, before: dict[str, Any] | None = None, bundles: list[str] | None = None) -> Any:
        wanted = self.log.uploaded if bundles is None else bundles
        return rehearse.rehearse(ID, wanted, before or {"status": "none"}, self.ports)

    def to_the_end(self) -> Any:
        answer = self.rehearse()
        while answer["status"] not in ("done", "none"):
            answer = self.rehearse(answer)
        return answer

    def record(self, outcome: str, **more: Any) -> dict[str, Any]:
        times = {"began": 1_000, "restored": 61_000, "verified": 71_000, "upgraded": 75_500}
        event = {"drill": ID, "outcome": outcome, "verdict": outcome, "where": "upgrade", "failure": None}
        event |= {"times": times, "integrity": {"checks": ["rows"], "notes": [], "rows": 7}}
        return record_drill.record_drill(event | more, "staging", self.log, self.now, self.meter)

    def measure(self) -> dict[str, Any]:
        return record_drill.measure_drills(self.log, self.now, self.meter)
