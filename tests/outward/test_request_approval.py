"""Asking: who gets a link, what the mail says, and what happens when nobody can be asked."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.outward.fakes import (
    ADA,
    GRACE,
    LINUS,
    NOW,
    FakeApprovals,
    FakeMessages,
    FakePlans,
    Meter,
    make_plan,
    make_request,
)

from dbmigrate.domain.approval import hash_of, is_same_person
from dbmigrate.domain.errors import Misconfigured, PlanOutdated
from dbmigrate.domain.notice import subject_line
from dbmigrate.domain.plan import Step
from dbmigrate.runtime import wiring
from dbmigrate.service.measure_waiting import measure_waiting
from dbmigrate.service.request_approval import Ports, request_approval

EVERYBODY = [ADA, GRACE, LINUS]


def ask(plan, approvers=EVERYBODY, token="token", approvals=None):
    ports = Ports(approvals or FakeApprovals(), FakePlans(plan), FakeMessages(), Meter())
    event = {
        "run": "staging-1",
        "plan": plan.slim(),
        "backup": {"id": "snap-1"},
        "token": token,
        "expires_in": 3600.0,
    }
    request_approval(event, approvers, "https://approvals.example/", NOW, ports)
    return ports


def test_everyone_but_the_requester_gets_a_link_of_their_own() -> None:
    ports = ask(make_plan())
    assert set(ports.messages.links) == {GRACE, LINUS}
    links = [
        re.search(r"https://approvals\.example/approvals/([\w-]+)\n", text)[1]
        for _, text in ports.messages.links.values()
    ]
    assert len(set(links)) == 2 and all(len(link) >= 43 for link in links)
    assert {ports.approvals.links[link].approver for link in links} == {GRACE, LINUS}
    assert ports.emit.emitted == [("ApprovalRequested", 1)]


def test_the_mail_says_what_is_asked() -> None:
    subject, text = ask(make_plan(losses=("column users.avatar",))).messages.links[GRACE]
    assert subject == "[db-migrate] staging: apply 1 revision? Your approval is asked"
    for said in (
        "ada@example.com asks to apply 1 revision in staging",
        "rev1  Add a table of notes.",
        "NOT reversible without loss: column users.avatar",
        "1 minute 34 seconds",
        "snap-1",
        "2027-01-15 09:00 UTC",
        "Do not forward this mail: this link acts in your name.",
        "Opening the link changes nothing",
    ):
        assert said in text
    assert make_plan().code not in text


def test_the_mail_says_that_sessions_may_be_ended() -> None:
    assert "end sessions" not in ask(make_plan()).messages.links[GRACE][1]
    assert "end sessions" in ask(make_plan(terminate_blockers=True)).messages.links[GRACE][1]


def test_a_long_history_is_cut_in_the_mail_and_a_rollback_says_so() -> None:
    steps = tuple(Step(f"rev{n}", "Why.", round_trip=True) for n in range(25))
    _, text = ask(make_plan(steps=steps, direction="downgrade")).messages.links[GRACE]
    assert "asks to undo 25 revisions" in text and "and 5 more, on the page" in text
    assert "the way back was tried out" in text
    unproved = replace(steps[0], round_trip=False)
    assert "NOT proved" in ask(make_plan(steps=(unproved,))).messages.links[GRACE][1]


@pytest.mark.parametrize(
    ("approvers", "why"), [([ADA], "is the only approver"), ([], "there are no approvers")]
)
def test_nobody_left_to_ask_is_an_error(approvers, why) -> None:
    approvals = FakeApprovals()
    with pytest.raises(Misconfigured, match=why):
        ask(make_plan(), approvers, approvals=approvals)
    assert not approvals.requests


def test_a_stored_plan_with_another_digest_is_never_asked_about() -> None:
    plan, other = make_plan(), make_plan(end="rev2")
    ports = Ports(FakeApprovals(), FakePlans(plan), FakeMessages(), Meter())
    ports.plans.stored[plan.digest] = other.to_json()
    event = {"run": "staging-1", "plan": plan.slim(), "backup": None, "token": "t", "expires_in": 60}
    with pytest.raises(PlanOutdated):
        request_approval(event, EVERYBODY, "https://approvals.example", NOW, ports)
    assert not ports.messages.links


def test_a_retry_replaces_the_request_and_a_repeat_of_a_decided_one_is_silent() -> None:
    plan, approvals = make_plan(), FakeApprovals()
    ask(plan, token="one", approvals=approvals)
    ask(plan, token="two", approvals=approvals)
    assert approvals.tokens == {"staging-1": "two"}
    approvals.requests["staging-1"] = replace(approvals.requests["staging-1"], status="approved")
    assert not ask(plan, token="two", approvals=approvals).messages.links


@pytest.mark.parametrize(
    ("requester", "same"),
    [
        (ADA, True),
        (" ADA@Example.com ", True),
        ("ada", True),
        ("adam", False),
        ("ada@other.org", False),
        ("", False),
    ],
)
def test_who_is_the_same_person(requester: str, same: bool) -> None:
    assert is_same_person(requester, ADA) is same


def test_the_waiting_is_measured() -> None:
    meter, approvals = Meter(), FakeApprovals()
    approvals.open(make_request(make_plan()), "token")
    assert measure_waiting(approvals, NOW, meter) == {"waiting": 1}
    assert meter.emitted == [("ApprovalWaitSeconds", 600)]


def test_the_function_asks_through_aws(aws, function) -> None:
    plan = make_plan()
    wiring.bundle_store().put_plan(plan.digest, plan.to_json())
    sent = []
    wiring.client("sns").meta.events.register(
        "before-parameter-build.sns.Publish", lambda params, **_: sent.append(dict(params))
    )
    event = {"run": "staging-1", "plan": plan.slim(), "backup": {}, "token": "token", "expires_in": 60}
    assert function("request_approval").handler(event, None) is None
    assert [one["MessageAttributes"]["approver"]["StringValue"] for one in sent] == [GRACE, LINUS]
    secret = re.search(r"/approvals/([\w-]+)", sent[0]["Message"])[1]
    assert wiring.approvals().link(secret).approver == GRACE
    assert hash_of(secret) not in sent[0]["Message"]
    assert function("request_approval").handler({"question": "waiting"}, None) == {"waiting": 1}


@pytest.mark.parametrize("text", ["é" * 200, "one\ntwo", "x" * 500, "→ arrow", "\x00\x1b"])
def test_subjects_are_what_sns_takes(text: str) -> None:
    line = subject_line(text)
    assert len(line) < 100 and line.isascii() and "\n" not in line
