"""The approval function as API Gateway calls it."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlencode

import pytest
from tests.outward.fakes import GRACE, NOW, SECRET, make_plan, make_request

from dbmigrate.domain.approval import Link
from dbmigrate.runtime import http, wiring
from dbmigrate.service.desk import Answer

FORM = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}


def event(method="GET", secret=SECRET, body=None, encoded=False, headers=FORM):
    return {
        "requestContext": {"http": {"method": method, "path": f"/approvals/{secret}"}},
        "pathParameters": {"id": secret},
        "headers": headers,
        "body": body,
        "isBase64Encoded": encoded,
    }


@pytest.fixture
def asked(aws, monkeypatch):
    """A request in the table and its plan in the bucket."""
    monkeypatch.setattr("time.time", lambda: float(NOW))
    plan = make_plan()
    wiring.bundle_store().put_plan(plan.digest, plan.to_json())
    wiring.approvals().open(make_request(plan), "task-token")
    wiring.approvals().add_link(SECRET, Link("staging-aaaaaaaaaaaa", plan.digest, GRACE, NOW + 3600))
    return plan


def test_get_answers_with_strict_headers(asked, function) -> None:
    response = function("decide").handler(event(), None)
    assert response["statusCode"] == 200 and asked.code in response["body"]
    headers = response["headers"]
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer" and headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
    assert wiring.approvals().request("staging-aaaaaaaaaaaa").status == "pending"


@pytest.mark.parametrize("encoded", [False, True])
def test_post_takes_the_form_as_browsers_send_it(asked, function, monkeypatch, encoded: bool) -> None:
    heard = []
    tokens = wiring.task_tokens()
    monkeypatch.setattr(
        tokens, "_client", type("Sfn", (), {"send_task_success": lambda _, **said: heard.append(said)})()
    )
    body = urlencode({"decision": "approve", "code": asked.code, "comment": "ä ok"})
    body = base64.b64encode(body.encode()).decode() if encoded else body
    response = function("decide").handler(event("POST", body=body, encoded=encoded), None)
    assert response["statusCode"] == 200
    assert heard[0]["taskToken"] == "task-token" and json.loads(heard[0]["output"])["comment"] == "ä ok"


def test_logs_and_metrics_hold_neither_link_nor_token(asked, function, monkeypatch, capsys) -> None:
    lines = []
    monkeypatch.setattr(http.logger, "info", lambda message, extra: lines.append((message, extra)))
    monkeypatch.setattr(wiring.task_tokens(), "fail", lambda *said: True)
    body = urlencode({"decision": "reject", "code": asked.code})
    function("decide").handler(event("POST", body=body), None)
    assert lines[0][1]["run"] == "staging-aaaaaaaaaaaa" and lines[0][1]["by"] == GRACE
    written = str(lines) + capsys.readouterr().out
    assert '"ApprovalWaitSeconds":[600.0]' in written and '"Environment":"staging"' in written
    assert SECRET not in written and "task-token" not in written


def test_head_is_not_allowed(aws, function) -> None:
    response = function("decide").handler(event("HEAD"), None)
    assert response["statusCode"] == 405 and response["headers"]["Allow"] == "GET, POST"


def test_an_error_of_ours_is_a_page_without_its_cause(function, monkeypatch) -> None:
    monkeypatch.delenv("APPROVALS_TABLE")
    response = function("decide").handler(event(), None)
    assert response["statusCode"] == 500
    assert "nothing was decided" in response["body"] and "APPROVALS_TABLE" not in response["body"]


@pytest.mark.parametrize(
    ("body", "encoded", "headers"),
    [
        (None, False, {}),
        ("decision=approve", False, {"content-type": "text/plain"}),
        ("not base64!", True, FORM),
        (base64.b64encode(b"comment=\xff").decode(), True, FORM),
        ("comment=%ff", False, FORM),
        ("&".join(f"a{n}=1" for n in range(50)), False, FORM),
        ("comment=" + "x" * 20_000, False, FORM),
    ],
)
def test_what_is_no_form_reads_as_none(body, encoded, headers) -> None:
    assert http.read_form(event("POST", body=body, encoded=encoded, headers=headers)) is None


def test_a_request_without_parameters_is_an_unknown_link(aws, function) -> None:
    bare = {"requestContext": {"http": {"method": "GET"}}}
    assert function("decide").handler(bare, None)["statusCode"] == 404


def test_an_answer_without_a_log_is_served_too() -> None:
    assert http.serve(event(), lambda click: Answer(200, click.method))["body"] == "GET"
