"""What people read of a recovery: the page, the mail, the notices, and the decision through all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.outward.conftest import MACHINE
from tests.outward.fakes import (
    ADA,
    GRACE,
    NOW,
    SECRET,
    FakeApprovals,
    FakeMessages,
    Meter,
    OpenDesk,
    make_request,
)
from tests.outward.recovery_fakes import ID, KEPT, RESTORED, SNAPSHOT

from dbmigrate.domain.approval import Link
from dbmigrate.domain.recovery import RecoveryPlan
from dbmigrate.domain.recovery_mail import recovery_mail
from dbmigrate.domain.recovery_page import recovery_page
from dbmigrate.service.decide import answer_click
from dbmigrate.service.desk import Click
from dbmigrate.service.notify import notify
from dbmigrate.service.request_approval import Ports, request_approval

EVIL = "<script>alert(1)</script>\"'&"
REPORT: dict[str, Any] = {
    "totals": {"only_on_old": 12, "recovered": 4000, "changed": 1},
    "tables": [
        {
            "table": "public.orders", "only_on_old": 12, "recovered": 4000, "changed": 1, "notes": ["no key"],
            "samples": {"only_on_old": [{"id": "41"}, {"id": "42"}], "changed": [{"id": "7"}]},
        },
        {"table": "public.users", "only_on_old": 0, "recovered": 0, "changed": 0, "notes": ["odd"]},
    ],
    "equal": 17,
    "not_compared": ["public.huge: too slow"],
}  # fmt: skip
MINUTE = 60_000
BEGAN = (NOW - 3600) * 1000
TIMES = {
    "began": BEGAN, "fenced": BEGAN + MINUTE, "restored": BEGAN + 31 * MINUTE,
    "verified": BEGAN + 33 * MINUTE, "compared": BEGAN + 40 * MINUTE,
}  # fmt: skip
CHECKED = {"checks": ["all 3 foreign keys hold"], "notes": ["amcheck is not installed"]}


def make_recovery(**changes: Any) -> RecoveryPlan:
    values = {
        "recovery": ID, "environment": "staging", "database": "app", "restored": RESTORED, "kept": KEPT,
        "snapshot": SNAPSHOT, "before_run": None, "requested_by": ADA, "reason": "prices are gone",
        "report": REPORT,
    }  # fmt: skip
    return RecoveryPlan(**{**values, **changes})


def page(plan: RecoveryPlan | None = None, **request: Any) -> str:
    plan = plan or make_recovery()
    given = {"run": ID, "backup": {"times": TIMES, "integrity": CHECKED}, **request}
    asked = make_request(plan, **given)
    return recovery_page(asked, plan, Link(ID, plan.digest, GRACE, NOW + 60), NOW)


def test_the_page_says_what_an_approver_decides_about() -> None:
    html = page()
    for said in (
        f"Put app back to snapshot {SNAPSHOT}?", "prices are gone", RESTORED, KEPT, "For 59 minutes",
        "A swap leaves behind 12 rows that only the old instance has", "the values of 1 row that changed",
        "<td>public.orders<td>12<td>4,000<td>1", "17 tables with the same rows", "id = 41\nid = 42", "id = 7",
        "12 that only the old instance has", "public.users: odd", "not compared: public.huge: too slow",
        "all 3 foreign keys hold", "amcheck is not installed", "<td>restore<td>30 minutes",
        "<td>waiting for you<td>20 minutes", make_recovery().code, "Puts everything back",
    ):  # fmt: skip
        assert said in html, said


def test_a_moment_is_said_with_the_run_before_which_it_lies() -> None:
    plan = make_recovery(snapshot=None, time="2027-01-15T07:00:00+00:00", before_run="staging-9")
    assert "2027-01-15T07:00:00+00:00, just before run staging-9" in page(plan)


def test_nothing_lost_is_said_too() -> None:
    totals = {"only_on_old": 0, "recovered": 3, "changed": 0}
    report = {**REPORT, "totals": totals, "not_compared": []}
    assert "no row that the copy lacks" in page(make_recovery(report=report))


def test_what_nobody_compared_is_not_called_lossless() -> None:
    report = {**REPORT, "totals": {"only_on_old": 0, "recovered": 3, "changed": 0}}
    shown = page(make_recovery(report=report))
    assert "no row that the copy lacks" not in shown
    assert "No loss was found, but 1 part could not be compared." in shown
    plan = make_recovery(report=report)
    mail = recovery_mail(make_request(plan), plan, "https://x")
    assert "Unknown:    1 part could not be compared, see the page" in mail


@pytest.mark.parametrize("status", ["pending", "approved", "rejected", "ended"])
def test_nothing_from_outside_becomes_markup(status: str) -> None:
    table = {
        "table": EVIL, "only_on_old": 1, "recovered": 1, "changed": 1, "notes": [EVIL],
        "samples": {"only_on_old": [{EVIL: EVIL}]},
    }  # fmt: skip
    report = {"totals": REPORT["totals"], "tables": [table], "equal": 1, "not_compared": [EVIL]}
    plan = make_recovery(
        environment=EVIL, database=EVIL, restored=EVIL, kept=EVIL, snapshot=EVIL, reason=EVIL, report=report
    )  # fmt: skip
    integrity = {"checks": [EVIL], "notes": [EVIL]}
    html = page(
        plan, status=status, decided_by=EVIL, comment=EVIL, backup={"times": TIMES, "integrity": integrity}
    )
    assert "<script" not in html.lower() and EVIL not in html


def test_a_report_without_end_does_not_make_a_page_without_end() -> None:
    tables = [{**REPORT["tables"][0], "table": f"t{number}"} for number in range(10_000)]
    html = page(make_recovery(report={**REPORT, "tables": tables}))
    assert len(html) < 1_000_000 and "and 9800 tables more" in html


class Desk(OpenDesk):
    """A desk at which somebody decides about a recovery."""

    def __init__(self) -> None:
        super().__init__(make_recovery(), run=ID)  # type: ignore[arg-type]


def test_the_decision_is_made_as_for_any_plan() -> None:
    desk = Desk()
    shown = answer_click(Click("GET", SECRET), desk.at())
    assert shown.status == 200 and "Rows, table by table" in shown.html and desk.status == "pending"
    form = {"decision": "approve", "code": make_recovery().code}
    assert answer_click(Click("POST", SECRET, form), desk.at()).status == 200
    assert desk.status == "approved" and desk.tokens.heard[0][2]["digest"] == make_recovery().digest


def test_a_no_is_not_called_a_run_that_changed_nothing() -> None:
    desk = Desk()
    form = {"decision": "reject", "code": make_recovery().code}
    assert (
        "It ends here, and the database stays as it was."
        in answer_click(Click("POST", SECRET, form), desk.at()).html
    )


class Plans:
    """The bucket with one plan."""

    def get_plan(self, digest: str) -> dict[str, Any]:
        return make_recovery().to_json()


def test_the_mail_says_that_the_application_waits() -> None:
    messages, plan = FakeMessages(), make_recovery()
    event = {"run": ID, "plan": plan.slim(), "backup": {"times": TIMES}, "token": "t", "expires_in": 3600}
    ports = Ports(FakeApprovals(), Plans(), messages, Meter())
    request_approval(event, [ADA, GRACE], "https://page", NOW, ports)
    ((approver, (subject, text)),) = messages.links.items()
    assert approver == GRACE and subject == "[db-migrate] staging: RECOVER app? The application waits for you"
    for said in (
        "The application is shut out",
        "4000 rows",
        "12 rows",
        "1 row whose",
        KEPT,
        ID,
        "https://page/",
    ):
        assert said in text, said


def tell(outcome: str, **more: Any) -> tuple[str, str, list[tuple[str, float]]]:
    messages, meter = FakeMessages(), Meter()
    event = {"run": ID, "plan": make_recovery().slim(), "outcome": outcome, "times": TIMES, **more}
    notify(event, "staging", MACHINE, False, NOW, messages, meter)
    ((subject, text),) = messages.notices
    return subject, text, meter.emitted


SWAPPED = {
    "status": "done", "resource_id": "db-NEW",
    "notes": ["read replicas still follow the old instance: app-2"],
}  # fmt: skip
DONE = TIMES | {
    "approved": BEGAN + 50 * MINUTE,
    "swapped": BEGAN + 55 * MINUTE,
    "opened": BEGAN + 56 * MINUTE,
}


def test_a_recovery_ends_with_its_parts_and_with_what_is_left_to_do() -> None:
    subject, text, emitted = tell("Recovered", times=DONE, swap=SWAPPED)
    assert "recovered" in subject and emitted == [("RecoverySeconds", 56 * 60)]
    for said in (
        f"Restored to:  snapshot {SNAPSHOT}", "4000 rows which the old instance lacks",
        "12 rows which only the old instance has", "restore:                          30 minutes",
        "approval:                         10 minutes", "swap:                             5 minutes",
        "the application was shut out for: 55 minutes", "set it to db-NEW in samconfig.toml",
        "sam deploy --config-env staging", "read replicas still follow the old instance: app-2",
        f"aws rds delete-db-instance --db-instance-identifier {KEPT}", "replicas and proxies of the old one",
    ):  # fmt: skip
        assert said in text, said


@pytest.mark.parametrize(
    ("outcome", "command"),
    [("RecoveryUnfinished", f"recover --resume {ID}"), ("FenceStands", f"recover --abandon {ID}")],
)
def test_what_needs_a_person_names_the_command(outcome: str, command: str) -> None:
    subject, text, emitted = tell(outcome)
    assert "NEEDS A PERSON" in subject and f"Next:\n  db-migrate --environment staging {command}" in text
    assert "Left to do" not in text and emitted == []


def test_a_cluster_is_deleted_by_its_own_command() -> None:
    messages = FakeMessages()
    plan = replace(make_recovery(), cluster=True).slim()
    event = {"run": ID, "plan": plan, "outcome": "Recovered", "times": DONE, "swap": SWAPPED}
    notify(event, "staging", MACHINE, False, NOW, messages, Meter())
    assert f"aws rds delete-db-cluster --db-cluster-identifier {KEPT}" in messages.notices[0][1]


def test_an_execution_that_was_ended_from_outside_is_a_recovery_that_was() -> None:
    machine = MACHINE.replace(":stateMachine:", ":execution:").rpartition(":")[0]
    detail = {"executionArn": f"{machine}:db-migrate-recovery-staging:{ID}", "name": ID, "status": "ABORTED"}
    messages = FakeMessages()
    notify({"detail": detail}, "staging", MACHINE, False, NOW, messages, Meter())
    assert "recovery interrupted" in messages.notices[0][0]
    assert "is being put back now, by itself" in messages.notices[0][1]
