"""The page as HTML: nothing that came from outside is markup, and it loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from tests.outward.fakes import GRACE, NOW, make_plan, make_request

from dbmigrate.domain.approval import Link
from dbmigrate.domain.approval_page import message_page, plan_page
from dbmigrate.domain.approval_style import STYLE_HASH
from dbmigrate.domain.plan import Step

EVIL = "<script>alert(1)</script>\"'&"


def page(plan=None, link=None, problem="", **request) -> str:
    plan = plan or make_plan()
    link = link or Link("staging-aaaaaaaaaaaa", plan.digest, GRACE, NOW + 60)
    return plan_page(make_request(plan, **request), plan, link, NOW, problem)


@pytest.mark.parametrize("status", ["pending", "approved", "rejected", "ended"])
def test_nothing_from_outside_becomes_markup(status: str) -> None:
    step = Step(EVIL, f"{EVIL}\n\n{EVIL}", (EVIL,), (f"+ {EVIL}", EVIL), True)
    finding = {"rule": EVIL, "revision": EVIL, "severity": EVIL, "message": EVIL, "instead": EVIL}
    plan = make_plan(
        environment=EVIL,
        start=EVIL,
        end=EVIL,
        steps=(step,),
        findings=(finding,),
        losses=(EVIL,),
        requested_by=EVIL,
    )
    html = page(
        plan,
        Link(EVIL, plan.digest, EVIL, NOW + 60),
        EVIL,
        run=EVIL,
        code=EVIL,
        status=status,
        decided_by=EVIL,
        comment=EVIL,
        backup={"id": EVIL, "status": EVIL},
    )
    assert "<script" not in html.lower() and EVIL not in html
    assert "<script" not in message_page(EVIL, EVIL, "warn", EVIL, EVIL)


def test_the_style_has_the_hash_that_the_policy_lets_in() -> None:
    [style] = re.findall(r"<style>(.*?)</style>", page(), re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"sha256-{digest}" == STYLE_HASH


def test_it_loads_nothing_and_runs_nothing() -> None:
    for forbidden in ("<script", "<link", "<img", "src=", "url(", "@import", " style=", " onclick", "http"):
        assert forbidden not in page()


def test_it_says_what_a_way_back_would_lose() -> None:
    html = page(make_plan(losses=("column users.avatar",)))
    assert "Not reversible" in html and "column users.avatar" in html
    assert "Reversible" in page()


def test_a_rollback_plan_asks_to_undo() -> None:
    assert "Undo 1 revision in staging?" in page(make_plan(direction="downgrade"))


def test_long_sql_is_folded_and_short_sql_is_not() -> None:
    plan = make_plan()
    long = replace(plan.steps[0], sql=("SELECT 1\n" * 40,))
    assert "<details open>" in page(plan)
    assert "<details>" in page(make_plan(steps=(long,)))
    assert "No SQL was seen" in page(make_plan(steps=(replace(long, sql=()),)))


def test_findings_stand_with_their_severity() -> None:
    finding = {
        "rule": "DM104",
        "revision": "rev1",
        "severity": "review",
        "message": "Waits.",
        "instead": "Wait less.",
    }
    html = page(make_plan(findings=(finding,)))
    assert '<span class="pill warn">review</span>' in html and "Instead: Wait less." in html
