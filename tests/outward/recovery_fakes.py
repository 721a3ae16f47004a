"""RDS, the records and the plans of recoveries, in memory: as they behave, without AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tests.outward.fakes import NOW

from dbmigrate.domain.errors import PlanOutdated, RestoreFailed
from dbmigrate.domain.instance import TAG, Copy, Instance
from dbmigrate.domain.recovery import Record, RecoveryPlan
from dbmigrate.service.plan_recovery import Ports, plan_recovery
from dbmigrate.service.restore import restore
from dbmigrate.service.swap import swap

ID = "staging-recovery-20270115-080000"
RESTORED, KEPT = "app-r-20270115-080000", "app-before-20270115-080000"
SNAPSHOT = "db-migrate-staging-1-1"
APPROVED = {"status": "approved", "by": "grace@example.com"}


class FakeInstances:
    """Instances by name. One that is made or renamed is available at the second look."""

    kind = "instance"

    def __init__(self, **old: Any) -> None:
        self.database = "app"
        values = {"retention": 7, "host": "app.example.com", "port": 5432, "resource_id": "db-OLD"}
        self.there = {"app": Instance("app", **{"status": "available", **values, **old})}
        self.moments: tuple[float | None, float | None] = (NOW - 7 * 86400, NOW - 120)
        self.snapshots = [Copy(SNAPSHOT, "available", "app", NOW - 3600.0)]
        self.calls: list[tuple[str, ...]] = []
        self.different: list[str] = []

    def look(self, name: str) -> Instance | None:
        found = self.there.get(name)
        if found is not None and found.status in ("creating", "rebooting"):
            self.there[name] = replace(found, status="available", host=f"{name}.example.com", port=5432)
        return found

    def window(self, name: str) -> tuple[float | None, float | None]:
        return self.moments

    def copy(self, snapshot: str) -> Copy | None:
        return next((one for one in self.snapshots if one.id == snapshot), None)

    def copies(self) -> list[Copy]:
        return [one for one in self.snapshots if one.source == self.database]

    def restore(self, plan: RecoveryPlan, tags: Mapping[str, str]) -> None:
        self.calls.append(("restore", plan.restored))
        self.there[plan.restored] = Instance(plan.restored, "creating", resource_id="db-NEW", tags=dict(tags))

    def complete(self, plan: RecoveryPlan) -> None:
        self.calls.append(("complete", plan.restored))

    def carry_over(self, plan: RecoveryPlan) -> None:
        self.calls.append(("carry over", plan.restored))

    def differences(self, name: str, like: str) -> list[str]:
        return self.different

    def rename(self, name: str, to: str) -> None:
        assert to not in self.there
        self.calls.append(("rename", name, to))
        self.there[to] = replace(self.there.pop(name), name=to, status="rebooting")

    def protect(self, name: str, like: str) -> None:
        self.calls.append(("protect", name, like))

    def discard(self, name: str, recovery: str) -> None:
        if name in self.there and not self.there[name].made_by(recovery):
            raise RestoreFailed("not ours")
        self.calls.append(("discard", name))
        self.there.pop(name, None)


class FakeLog:
    """Records by name, and the newest."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.newest = ""

    def get(self, recovery: str) -> Record | None:
        return self.records.get(recovery)

    def put(self, record: Record) -> Record:
        current = self.records.get(record.recovery)
        kept = self.records[record.recovery] = record.beside(current) if current else record
        if record.phase == "planned":
            self.newest = record.recovery
        return kept

    def latest(self) -> Record | None:
        return self.records.get(self.newest)


class FakeExecutions:
    """Executions that are at work."""

    def __init__(self) -> None:
        self.at_work: set[str] = set()

    def runs(self, name: str) -> bool:
        return name in self.at_work


class StoredPlans:
    """Whole plans by digest."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {}

    def get_plan(self, digest: str) -> dict[str, Any]:
        if digest not in self.stored:
            raise PlanOutdated(f"Plan {digest} is not here.")
        return dict(self.stored[digest])

    def put_plan(self, digest: str, plan: dict[str, Any]) -> None:
        self.stored[digest] = plan


class Recovering:
    """One environment with its instance, and the functions of its recovery."""

    def __init__(self, **old: Any) -> None:
        self.instances, self.plans, self.log = FakeInstances(**old), StoredPlans(), FakeLog()
        self.executions, self.now = FakeExecutions(), float(NOW)

    def plan(self, recovery: str = ID, execution: str = "", **request: Any) -> dict[str, Any]:
        ports = Ports(self.instances, self.plans, self.log, self.executions, self.now)
        event = {"recovery": recovery, "execution": execution or recovery, "request": request}
        return plan_recovery(event, "staging", ports)

    def planned(self, **request: Any) -> dict[str, Any]:
        """The slim plan, of a snapshot unless the test wants something else."""
        return dict(self.plan(**(request or {"snapshot": SNAPSHOT}))["plan"])

    def restore(self, plan: dict[str, Any], wish: str) -> dict[str, Any]:
        event = {"recovery": plan["recovery"], "plan": plan, "wish": wish}
        return restore(event, self.instances, self.plans, self.log, self.now)

    def compared(self, plan: dict[str, Any]) -> dict[str, Any]:
        """The final plan, as the comparison makes it."""
        whole = RecoveryPlan.from_json(self.plans.get_plan(plan["digest"]))
        final = whole.with_report({"totals": {"only_on_old": 2, "recovered": 5, "changed": 0}, "tables": []})
        self.plans.put_plan(final.digest, final.to_json())
        return final.slim()

    def restored(self) -> dict[str, Any]:
        """The final plan of a recovery whose copy is ready."""
        plan = self.planned()
        for wish in ("start", "check", "check"):
            self.restore(plan, wish)
        return self.compared(plan)

    def swap(self, plan: dict[str, Any], approval: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = APPROVED | {"digest": plan["digest"]} if approval is None else approval
        event = {"recovery": plan["recovery"], "plan": plan, "approval": given}
        return swap(event, True, self.instances, self.plans, self.log, self.now)

    def until(self, step: Callable[[], dict[str, Any]], status: str, most: int = 12) -> dict[str, Any]:
        for _ in range(most):
            if (answer := step())["status"] == status:
                return answer
        raise AssertionError(answer)

    @property
    def phase(self) -> str:
        return self.log.records[ID].phase

    def tag(self, name: str) -> str | None:
        return self.instances.there[name].tags.get(TAG)
