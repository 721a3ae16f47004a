"""The page as HTML: nothing that came from outside is markup, and it loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest
from tests.outward.fakes import GRACE, NOW, make_plan, make_request

from dbmigrate.domain.approval import Link
from dbmigrate.domain.approval_page import message_page, plan_page
from dbmigrate.domain.approval_style import STYLE_HASH
from dbmigrate.domain.plan import Impact, Step

EVIL = "<script>alert(1)</script>\"'&"


def page(plan=None, link=None, problem="", **request) -> str:
    plan = plan or make_plan()
    link = link or Link("staging-aaaaaaaaaaaa", plan.digest, GRACE, NOW + 60)
    return plan_page(make_request(plan, **request), plan, link, NOW, problem)


@pytest.mark.parametrize("status", ["pending", "approved", "rejected", "ended"])
def test_nothing_from_outside_becomes_markup(status: str) -> None:
    impact = (Impact(1, EVIL, EVIL, 0.5, 3.0),)
    step = Step(EVIL, f"{EVIL}\n\n{EVIL}", (EVIL,), (f"+ {EVIL}", EVIL), True, False, EVIL, impact)
    words = ("rule", "revision", "severity", "message", "instead", "relation", "lock", "blocks")
    finding = {**dict.fromkeys(words, EVIL), "rewrites": True, "seconds_low": 1, "seconds_high": 9}
    code = {**finding, "instead": f"op.execute({EVIL!r})"}
    passed = {**finding, "suppressed_because": EVIL}
    plan = make_plan(
        environment=EVIL,
        start=EVIL,
        end=EVIL,
        steps=(step,),
        findings=(finding, code, passed),
        losses=(EVIL,),
        deploy_order=EVIL,
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


def test_an_approver_reads_that_sessions_may_be_ended() -> None:
    warning = "Other sessions may be ended."
    assert warning not in page()
    html = page(make_plan(terminate_blockers=True))
    assert warning in html and "what such a session has not committed is lost" in html


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


@pytest.mark.parametrize("sizes", [(2_200_000,), (2_000_000, 2_000_000, 40)])
def test_a_page_of_huge_statements_is_one_that_a_function_can_answer_with(sizes: tuple[int, ...]) -> None:
    first = make_plan().steps[0]
    html = page(make_plan(steps=tuple(replace(first, sql=("'" * size,)) for size in sizes)))
    assert len(json.dumps(html).encode()) < 5 << 20
    cut = re.findall(r"-- ([0-9,]+) characters more, in the stored plan", html)
    assert len(cut) == sum(size > 40 for size in sizes)
    told = sum(int(more.replace(",", "")) for more in cut)
    assert html.count("&#x27;") == sum(sizes) - told > 490_000


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


def finding(**more) -> dict:
    given = {
        "rule": "DM104",
        "revision": "rev1",
        "severity": "block",
        "message": "Waits.",
        "instead": "Less.",
    }
    return {**given, "statement": 2, "relation": "public.orders", "blocks": "writes", **more}


def test_a_finding_says_who_waits_and_for_how_long() -> None:
    html = page(make_plan(findings=(finding(rewrites=True, seconds_low=2, seconds_high=30),)))
    assert "<code>rev1, statement 2</code><code>public.orders</code>" in html
    assert "public.orders is rewritten" in html and "Who waits: writes, for 2 to 30 s" in html
    assert "for at least 2 s" in page(make_plan(findings=(finding(seconds_low=2),)))
    assert "for an unknown time" in page(make_plan(findings=(finding(),)))


def test_a_replacement_is_shown_as_code() -> None:
    html = page(make_plan(findings=(finding(instead='op.create_index("x")'),)))
    assert "<summary>Write instead</summary><pre tabindex=0>op.create_index(&quot;x&quot;)</pre>" in html


def test_findings_that_differ_in_their_table_stand_together_and_the_gravest_first() -> None:
    other = finding(relation="public.users", message="Waits, too.")
    note = finding(severity="note", rule="DM105", relation=None)
    html = page(make_plan(findings=(note, finding(), other)))
    assert html.count("<b>DM104</b>") == 1 and "<code>2 tables</code>" in html
    assert html.index("Waits.") < html.index("Waits, too.") < html.index("DM105")


def test_what_a_revision_lets_pass_is_listed_with_its_reason() -> None:
    html = page(make_plan(findings=(finding(suppressed_because="nobody writes at night"),)))
    assert "<h2>Findings</h2>" not in html
    assert "<h2>Let pass</h2>" in html and "nobody writes at night" in html
    passed = html.partition("<h2>Let pass</h2>")[2]
    assert '<span class="pill bad">block</span><b>DM104</b><code>rev1, statement 2</code>' in passed
    assert "<code>public.orders</code>" in passed and "Who waits: writes" in passed


def test_a_finding_of_another_version_is_shown_as_far_as_it_goes() -> None:
    assert "Waits." in page(make_plan(findings=({"message": "Waits.", "colour": "red"},)))


def test_it_shows_locks_phases_and_the_order_of_deployment() -> None:
    impact = (Impact(1, "public.orders", "ACCESS EXCLUSIVE", 0.4, 21.0), Impact(1, "public.users", "SHARE"))
    step = replace(make_plan().steps[0], phase="contract", impact=impact)
    html = page(make_plan(steps=(step,), deploy_order="Deploy the application first."))
    assert '<span class="pill">contract</span>' in html and "Deploy the application first." in html
    assert "<td>public.orders<td>access exclusive<td>0.4 to 21 s" in html
    assert "<td>share<td>unknown, no size" in html and "<h2>Locks</h2>" not in page()


def test_the_parts_of_an_object_stand_below_it() -> None:
    step = replace(make_plan().steps[0], changes=("~ table public.orders", "+   column paid boolean"))
    html = page(make_plan(steps=(step,)))
    assert '<li class="change"><b>~</b>table public.orders</li>' in html
    assert '<li class="add part"><b>+</b>column paid boolean</li>' in html
