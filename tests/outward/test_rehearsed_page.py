"""What an approver reads of a drill: measured beside foretold, or that there was none."""

from __future__ import annotations

import re
from typing import Any

from tests.outward.fakes import GRACE, NOW, FakePlans, OpenDesk, make_plan, make_request
from tests.outward.test_approval_page import EVIL

from dbmigrate.domain.approval import Link
from dbmigrate.domain.approval_page import plan_page
from dbmigrate.domain.plan import Impact, Plan, Step
from dbmigrate.service.decide import answer_click
from dbmigrate.service.desk import Click

LOCK = {"relation": "public.notes", "mode": "ACCESS EXCLUSIVE", "seconds": 3.25, "statement": "ALTER"}
OTHER = {"relation": "public.posts", "mode": "SHARE", "seconds": 0.02, "statement": "ALTER"}
PASSED = {
    "drill": "staging-drill-1", "verdict": "DrillPassed", "outcome": "DrillPassed", "ended": NOW,
    "backup": {"snapshot": "db-migrate-1", "age_seconds": 7200.0, "rpo_seconds": 120.0},
    "rto": {"restore": 600.0, "verify": 60.0, "upgrade": 5.0, "total": 665.0},
    "rows": 1_000_000, "bytes": 83_000_000, "tables": 1,
    "rehearsal": {"revisions": [{"revision": "rev1", "seconds": 4.5, "locks": [LOCK, OTHER]}]},
}  # fmt: skip


def plan() -> Plan:
    impact = (Impact(1, "public.notes", "ACCESS EXCLUSIVE", 0.5, 3.0),)
    step = Step("rev1", "Why.", ("ALTER TABLE notes ADD x int",), round_trip=True, impact=impact)
    return make_plan(steps=(step,))


def part(drill: dict[str, Any] | None, of: Plan | None = None) -> str:
    """The part of the page about the drill."""
    shown = of or plan()
    link = Link("run", shown.digest, GRACE, NOW + 60)
    html = plan_page(make_request(shown), shown, link, NOW, drill=drill)
    return html.partition("Rehearsed on a restored copy")[2].partition("<h2>")[0]


def rows(html: str) -> list[list[str]]:
    return [re.findall(r"<td>([^<]*)", row) for row in html.split("<tr>")[2:]]


def test_what_was_measured_stands_beside_what_was_foretold() -> None:
    html = part(PASSED)
    assert rows(html) == [
        ["rev1", "", "", "4.50 s", ""],
        ["", "public.notes", "access exclusive", "3.25 s", "0.5 to 3 s"],
        ["", "public.posts", "share", "0.02 s", "not foretold"],
    ]
    facts = ("staging-drill-1", "db-migrate-1, 2 hours old", "1,000,000 rows in 1 table, 83 MB", "11 minutes")
    assert all(fact in html for fact in facts)


def test_without_a_drill_it_says_so_plainly() -> None:
    assert "Nobody has rehearsed this bundle" in part(None) and "<table" not in part(None)


def test_a_way_back_has_no_rehearsal_and_says_nothing_of_one() -> None:
    assert part(None, make_plan(direction="downgrade")) == ""


def test_a_failure_says_where_and_why() -> None:
    failure = {"Error": "RevisionFailed", "Cause": '{"errorMessage": "rev1: duplicate key"}'}
    failed = {**PASSED, "verdict": "DrillFailed", "outcome": "DrillFailed", "where": "upgrade"}
    html = part({**failed, "failure": failure, "rehearsal": {"revisions": []}})
    assert "FAILED" in html and "upgrading the copy" in html and "RevisionFailed: rev1: duplicate key" in html
    assert rows(html) == [["rev1", "", "", "not measured", ""]]


def test_nothing_of_a_drill_becomes_markup() -> None:
    lock = {**LOCK, "relation": EVIL, "mode": EVIL}
    evil = {**PASSED, "drill": EVIL, "backup": {"snapshot": EVIL, "age_seconds": 1.0}}
    evil["rehearsal"] = {"revisions": [{"revision": "rev1", "seconds": 1.0, "locks": [lock]}]}
    for verdict in ("DrillPassed", "DrillFailed"):
        html = part({**evil, "verdict": verdict, "failure": {"Error": EVIL, "Cause": EVIL}})
        assert "<script" not in html.lower() and EVIL not in html


def test_the_drill_is_read_when_the_page_is_opened_and_changes_no_digest() -> None:
    desk = OpenDesk(plan())
    secret = next(iter(desk.approvals.links))
    before = answer_click(Click("GET", secret), desk.at()).html
    FakePlans.drills[desk.plan.bundle] = PASSED
    try:
        after = answer_click(Click("GET", secret), desk.at()).html
    finally:
        FakePlans.drills.clear()
    assert "Nobody has rehearsed" in before and "staging-drill-1" in after
    assert desk.plan.digest in before and desk.plan.digest in after
