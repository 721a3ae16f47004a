"""A click on a personal link: what it shows, what it decides, what it refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.outward.fakes import ADA, GRACE, LINUS, NOW, SECRET, FakePlans, FakeTokens, OpenDesk, make_plan

from dbmigrate.domain.approval import MOST_COMMENT, MOST_TRIES, Link
from dbmigrate.service.decide import answer_click
from dbmigrate.service.desk import Click


def post(desk: OpenDesk, secret: str = SECRET, **fields: str) -> Click:
    return Click("POST", secret, {"decision": "approve", "code": desk.plan.code, **fields})


def test_opening_the_link_shows_the_plan_and_changes_nothing() -> None:
    desk = OpenDesk()
    before = (dict(desk.approvals.requests), dict(desk.approvals.links))
    answer = answer_click(Click("GET", SECRET), desk.at())
    assert answer.status == 200
    for shown in (
        "staging",
        "rev1",
        "Add a table of notes.",
        "CREATE TABLE notes",
        ADA,
        GRACE,
        desk.plan.code,
    ):
        assert shown in answer.html
    assert before == (desk.approvals.requests, desk.approvals.links)
    assert desk.tokens.heard == []


def test_approving_tells_the_run_who_and_what() -> None:
    desk = OpenDesk()
    answer = answer_click(post(desk, comment=" go "), desk.at())
    assert (answer.status, desk.status) == (200, "approved")
    output = {"by": GRACE, "digest": desk.plan.digest, "at": "2027-01-15T08:00:00Z", "comment": "go"}
    assert desk.tokens.heard == [("succeed", "task-token", output)]
    assert desk.meter.emitted == [("ApprovalWaitSeconds", 600)]


def test_rejecting_ends_the_wait_with_who_and_why() -> None:
    desk = OpenDesk()
    answer = answer_click(post(desk, decision="reject", comment="not on a Friday"), desk.at())
    assert (answer.status, desk.status) == (200, "rejected")
    assert desk.tokens.heard == [("fail", "task-token", "ApprovalRejected", f"{GRACE}: not on a Friday")]


def test_the_code_may_be_typed_as_people_type() -> None:
    desk = OpenDesk()
    code = desk.plan.code.lower()
    assert answer_click(post(desk, code=f" {code[:3]}-{code[3:]} "), desk.at()).status == 200


def test_the_second_click_hears_who_decided() -> None:
    desk = OpenDesk()
    answer_click(post(desk), desk.at())
    again = answer_click(post(desk, decision="reject"), desk.at())
    assert again.status == 409
    assert f"{GRACE} approved it" in again.html
    assert len(desk.tokens.heard) == 1


def test_a_decided_request_can_still_be_read_but_not_answered() -> None:
    desk = OpenDesk()
    answer_click(post(desk, comment="fine"), desk.at())
    shown = answer_click(Click("GET", SECRET), desk.at(NOW + 10**6))
    assert shown.status == 200
    assert f"Approved by {GRACE}" in shown.html and "<form" not in shown.html


def test_two_clicks_at_once_make_one_decision() -> None:
    desk = OpenDesk()
    desk.approvals.add_link("t" * 43, Link(desk.request.run, desk.plan.digest, LINUS, NOW + 3600))
    clicks = [post(desk, SECRET), post(desk, "t" * 43, decision="reject")] * 2
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda click: answer_click(click, desk.at()), clicks))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert len(desk.tokens.heard) == 1


@pytest.mark.parametrize("secret", ["", "short", "x" * 43, "../" * 10, "ü" * 43, "x" * 5000])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_unknown_link_gets_the_same_page(method: str, secret: str) -> None:
    desk = OpenDesk()
    pages = {answer_click(Click(method, found, {}), desk.at()).html for found in (secret, "y" * 43)}
    assert len(pages) == 1
    assert answer_click(Click(method, secret, {}), desk.at()).status == 404


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", ""])
def test_other_methods_do_nothing(method: str) -> None:
    desk = OpenDesk()
    assert answer_click(Click(method, SECRET), desk.at()).status == 405
    assert desk.status == "pending"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_expired_link_is_a_refusal(method: str) -> None:
    desk = OpenDesk()
    click = replace(post(desk), method=method)
    assert answer_click(click, desk.at(NOW + 3600)).status == 410
    assert desk.status == "pending" and desk.tokens.heard == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_of_another_plan_is_refused(method: str) -> None:
    desk = OpenDesk()
    other = make_plan(end="rev2")
    desk.approvals.add_link(SECRET, Link(desk.request.run, other.digest, GRACE, NOW + 3600))
    answer = answer_click(replace(post(desk), method=method), desk.at())
    assert answer.status == 409 and "another plan" in answer.html
    assert desk.status == "pending"


def test_a_stored_plan_that_was_changed_cannot_be_approved() -> None:
    desk = OpenDesk()
    plans = FakePlans(desk.plan)
    plans.stored[desk.plan.digest]["steps"][0]["sql"] = ["DROP TABLE users"]
    answer = answer_click(Click("GET", SECRET), replace(desk.at(), plans=plans))
    assert answer.status == 409 and "cannot be shown" in answer.html
    assert answer_click(Click("GET", SECRET), replace(desk.at(), plans=FakePlans())).status == 409


@pytest.mark.parametrize("requester", [GRACE, GRACE.upper(), "grace"])
def test_the_requester_cannot_approve(requester: str) -> None:
    desk = OpenDesk(make_plan(requested_by=requester))
    answer = answer_click(post(desk), desk.at())
    assert (answer.status, desk.status) == (403, "pending")


def test_wrong_codes_lock_the_link() -> None:
    desk = OpenDesk()
    answers = [answer_click(post(desk, code="WRONG2"), desk.at()) for _ in range(MOST_TRIES)]
    assert {answer.status for answer in answers} == {422}
    assert "4 tries are left" in answers[0].html and "1 try is left" in answers[-2].html
    assert answer_click(post(desk), desk.at()).status == 429
    assert "locked" in answer_click(Click("GET", SECRET), desk.at()).html
    assert desk.status == "pending" and desk.tokens.heard == []


@pytest.mark.parametrize(
    "fields", [{"decision": ""}, {"decision": "yes"}, {"comment": "x" * (MOST_COMMENT + 1)}]
)
def test_a_malformed_form_decides_nothing(fields: dict[str, str]) -> None:
    desk = OpenDesk()
    assert answer_click(post(desk, **fields), desk.at()).status == 400
    assert answer_click(Click("POST", SECRET, None), desk.at()).status == 400
    assert desk.status == "pending"


def test_a_run_that_no_longer_waits_has_not_been_approved() -> None:
    desk = OpenDesk(tokens=FakeTokens(waits=False))
    answer = answer_click(post(desk), desk.at())
    assert answer.status == 409 and "no longer waits" in answer.html
    assert desk.status == "ended"
    assert "stopped waiting" in answer_click(Click("GET", SECRET), desk.at()).html
    assert "no longer waits" in answer_click(post(desk), desk.at()).html


def test_a_decision_that_could_not_be_delivered_can_be_made_again() -> None:
    desk = OpenDesk(tokens=FakeTokens(broken=True))
    with pytest.raises(ConnectionError):
        answer_click(post(desk), desk.at())
    desk.tokens = FakeTokens()
    assert answer_click(post(desk), desk.at()).status == 200


def test_logs_never_hold_the_link_or_the_token() -> None:
    desk = OpenDesk()
    logs = [answer_click(click, desk.at()).log for click in (Click("GET", SECRET), post(desk), post(desk))]
    assert SECRET not in str(logs) and "task-token" not in str(logs)
    assert logs[1] == {"run": desk.request.run, "said": "You approved this plan", "by": GRACE}
