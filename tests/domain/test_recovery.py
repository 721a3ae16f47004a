"""A recovery's plan is approved by its digest, and its record never goes back behind a swap."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from tests.domain.evidences import plan as plan_of_a_run

from dbmigrate.domain.errors import BadRequest, PlanOutdated
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.recovery import (
    PHASES,
    Record,
    RecoveryPlan,
    check_recovery_unchanged,
    plan_from_json,
)
from dbmigrate.domain.shape import PLAN, check_shape

PLANNED: dict[str, Any] = {
    "recovery": "production-recovery-20261129-030000",
    "environment": "production",
    "database": "orders",
    "restored": "orders-r-0300",
    "kept": "orders-before-0300",
    "time": "2026-11-29T02:59:00+00:00",
    "requested_by": "ann@example.com",
}
REPORT = {"totals": {"only_on_old": 2, "recovered": 5, "changed": 1}, "tables": []}
OTHER: dict[str, Any] = {
    "recovery": "production-recovery-20261129-040000",
    "environment": "staging",
    "database": "other",
    "restored": "orders-r-0400",
    "kept": "orders-before-0400",
    "cluster": True,
    "time": "2026-11-29T02:58:00+00:00",
    "snapshot": "db-migrate-run-1",
    "before_run": "production-1",
    "reason": "it dropped a table",
    "requested_by": "bob@example.com",
    "kind": "drill",
    "report": REPORT,
}


def planned(**other: Any) -> RecoveryPlan:
    return RecoveryPlan(**{**PLANNED, **other})


def record(phase: str = "planned") -> Record:
    return Record(PLANNED["recovery"], phase, planned().slim(), {"planned": 1.0})


@pytest.mark.parametrize("field", [field.name for field in fields(RecoveryPlan)])
def test_every_field_changes_the_digest(field: str) -> None:
    assert planned(**{field: OTHER[field]}).digest != planned().digest


def test_there_and_back() -> None:
    whole = json.loads(json.dumps(planned(report=REPORT).to_json()))
    assert plan_from_json(whole) == planned(report=REPORT)
    assert isinstance(plan_from_json(plan_of_a_run().to_json()), Plan)


@pytest.mark.parametrize(
    "broken", [{"recovery": "r"}, {**PLANNED, "snapshot": "s"}, {**PLANNED, "time": None}]
)
def test_what_is_no_plan_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="plan"):
        RecoveryPlan.from_json({"kind": "recovery", **broken})


def test_the_slim_plan_passes_the_doors_and_carries_the_totals() -> None:
    slim = planned().with_report(REPORT).slim()
    check_shape("swap", {"plan": slim}, {"plan": PLAN})
    assert slim["found"] == REPORT["totals"]
    assert "report" not in slim
    assert planned().slim()["found"] == {}


def test_a_plan_that_was_changed_on_the_way_is_refused() -> None:
    final = planned(report=REPORT)
    assert check_recovery_unchanged(final.slim(), final.to_json()) == final
    for slim in (planned().slim(), final.slim() | {"kept": "another"}):
        with pytest.raises(PlanOutdated):
            check_recovery_unchanged(slim, final.to_json())


def test_a_record_keeps_when_a_phase_was_first_reached() -> None:
    again = record().reached("fenced", 2.0, sessions=3).reached("fenced", 9.0, host="h")
    assert (again.phase, again.times, again.facts) == (
        "fenced",
        {"planned": 1.0, "fenced": 2.0},
        {"sessions": 3, "host": "h"},
    )
    assert Record.from_json(json.loads(json.dumps(again.to_json()))) == again


@pytest.mark.parametrize("phase", PHASES)
def test_no_record_goes_back_behind_a_swap(phase: str) -> None:
    behind = phase in ("swapping", "swapped", "opened")
    assert record(phase).behind_swap is behind
    given_up = phase == "abandoned"
    assert record(phase).reached("fenced", 2.0).phase == (phase if behind or given_up else "fenced")
    assert record(phase).reached("abandoned", 2.0).phase == (phase if behind else "abandoned")


@pytest.mark.parametrize(
    ("current", "late", "kept"),
    [
        ("swapping", "compared", "swapping"),
        ("opened", "swapping", "opened"),
        ("swapping", "abandoned", "swapping"),
        ("abandoned", "compared", "abandoned"),
        ("fenced", "verified", "verified"),
    ],
)
def test_who_comes_late_unsettles_nothing(current: str, late: str, kept: str) -> None:
    """An invocation that outlived its execution keeps a record that it read long before."""
    there, stale = record(current), record(late)
    beside = stale.beside(there)
    assert beside.phase == kept and {**stale.times, **there.times} == beside.times or kept == late


@pytest.mark.parametrize("broken", [{"recovery": "r"}, {**record().to_json(), "phase": "lost"}])
def test_what_is_no_record_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        Record.from_json(broken)
