"""A plan's digest is what people approve: it names this plan and no other."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from tests.domain.evidences import plan

from dbmigrate.domain.errors import BadRequest, PlanOutdated
from dbmigrate.domain.plan import CODE_ALPHABET, Impact, Plan, Step, check_approved, check_unchanged

OTHER: dict[str, Any] = {
    "bundle": "sha256:" + "b" * 64,
    "environment": "production",
    "direction": "downgrade",
    "start": "a0",
    "end": "c3",
    "steps": (Step("a1", "Why."),),
    "findings": ({"rule": "DM101", "severity": "note"},),
    "losses": ("a1 drops public.a",),
    "predicted_seconds": 3.0,
    "requested_by": "bob@example.com",
    "rollback_of": "staging-1",
    "deploy_order": "Deploy the schema first.",
    "terminate_blockers": True,
    "predicted_bytes": 5_000,
    "largest_bytes": 4_000,
    "accept_loss": True,
}
OTHER_STEP: dict[str, Any] = {
    "revision": "a2",
    "doc": "Else.",
    "sql": ("DROP TABLE a",),
    "changes": (),
    "autocommit": True,
    "round_trip": False,
    "phase": "contract",
    "impact": (Impact(1, "public.a", "ACCESS EXCLUSIVE", 0.5, None),),
}


def test_the_digest_is_that_of_the_content() -> None:
    assert plan().digest == plan().digest == Plan.from_json(json.loads(json.dumps(plan().to_json()))).digest
    assert plan().digest == "sha256:c8e5840c69370cf13d7e6fb540c4b92088b3499ab33168689b07517f35dfdbcb"


@pytest.mark.parametrize("field", [field.name for field in fields(Plan) if field.init])
def test_every_field_changes_the_digest(field: str) -> None:
    assert replace(plan(), **{field: OTHER[field]}).digest != plan().digest


@pytest.mark.parametrize("field", [field.name for field in fields(Step)])
def test_every_field_of_a_step_changes_the_digest(field: str) -> None:
    first, *rest = plan().steps
    assert plan(steps=(replace(first, **{field: OTHER_STEP[field]}), *rest)).digest != plan().digest


def test_the_order_of_the_steps_counts() -> None:
    assert plan(steps=plan().steps[::-1]).digest != plan().digest


def test_the_code_is_short_and_unmistakable() -> None:
    assert len(CODE_ALPHABET) == len(set(CODE_ALPHABET)) == 32
    assert not set(CODE_ALPHABET) & set("01IO")
    codes = {plan(requested_by=str(n)).code for n in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 6 and set(code) <= set(CODE_ALPHABET) for code in codes)


def test_there_and_back() -> None:
    whole = replace(plan(), **{**OTHER, "steps": (Step(**OTHER_STEP),)})
    assert Plan.from_json(json.loads(json.dumps(whole.to_json()))) == whole


@pytest.mark.parametrize(
    "values",
    [{}, {"steps": None}, {"steps": [1]}, {"steps": []}, {**plan().to_json(), "steps": [{"who": 1}]}],
)
def test_what_is_no_plan_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="no plan"):
        Plan.from_json(values)


def test_what_travels_is_slim() -> None:
    steps = tuple(Step(f"{n:012x}", "x" * 500, ("y" * 5000,)) for n in range(500))
    slim = plan(steps=steps, losses=("l" * 100,) * 200, findings=({"severity": "note"},) * 3).slim()
    assert len(json.dumps(slim)) < 32 * 1024
    assert slim["findings"] == {"note": 3, "review": 0, "block": 0}
    assert (slim["total"], slim["pending"][0]) == (500, "000000000000")


def test_what_the_revision_lets_pass_counts_no_more() -> None:
    findings = ({"severity": "block", "suppressed_because": "a reason"}, {"severity": "block"})
    assert plan(findings=findings).slim()["findings"]["block"] == 1


@pytest.mark.parametrize(
    ("more", "reversible"),
    [({}, True), ({"losses": ("x",)}, False), ({"steps": (Step("a1", "", round_trip=False),)}, False)],
)
def test_reversible_means_proved_and_lossless(more: dict[str, Any], reversible: bool) -> None:
    assert plan(**more).reversible is reversible


def test_an_approval_is_for_one_plan() -> None:
    slim = plan().slim()
    approved = {"status": "approved", "digest": slim["digest"], "by": "bob"}
    check_approved(slim, approved, approval_required=True, forced=False)
    check_approved(slim, {}, approval_required=False, forced=False)
    check_approved(slim, {}, approval_required=True, forced=True)
    for other in (
        {},
        {"status": "none"},
        {**approved, "digest": "sha256:0"},
        {**approved, "status": "rejected"},
    ):
        with pytest.raises(PlanOutdated, match=slim["digest"]):
            check_approved(slim, other, approval_required=True, forced=False)


@pytest.mark.parametrize("key", list(plan().slim()))
def test_what_travelled_must_still_be_the_plan(key: str) -> None:
    check_unchanged(plan().slim(), plan().to_json())
    with pytest.raises(PlanOutdated):
        check_unchanged({**plan().slim(), key: "else"}, plan().to_json())
