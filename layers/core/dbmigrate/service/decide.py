"""Answer a click on a personal link: GET shows the plan, POST takes the decision, once."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

from dbmigrate.domain.approval import (
    DECISIONS,
    MOST_COMMENT,
    MOST_TRIES,
    Link,
    Request,
    is_same_person,
    typed_code,
)
from dbmigrate.domain.approval_page import message_page, plan_page
from dbmigrate.domain.errors import BadRequest, PlanOutdated
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.recovery import RecoveryPlan, plan_from_json
from dbmigrate.domain.recovery_page import recovery_page
from dbmigrate.domain.words import moment, timestamp
from dbmigrate.service.desk import Answer, Click, Desk

SECRET = re.compile(r"[A-Za-z0-9_\-]{20,100}")
GOES_ON = "It goes on now. Everyone will hear how it ends."
ENDS_HERE = "It ends here, and the database stays as it was."


def answer_click(click: Click, desk: Desk) -> Answer:
    """The page for one click. Only a POST with the right code changes anything."""
    if click.method not in ("GET", "POST"):
        return _page(405, "This method does nothing here", "Open the link in a browser.")
    link = desk.approvals.link(click.secret) if SECRET.fullmatch(click.secret) else None
    request = desk.approvals.request(link.run) if link else None
    if link is None or request is None:
        return _unknown()
    if refused := _refused(link, request, desk.now):
        return refused
    if click.method == "GET":
        return _show(link, request, desk)
    return _decided(request) if request.status != "pending" else _decide(click, link, request, desk)


def _decide(click: Click, link: Link, request: Request, desk: Desk) -> Answer:
    form = click.form or {}
    if malformed := _malformed(form):
        return _show(link, request, desk, 400, f"Nothing was decided: {malformed}.")
    if is_same_person(request.requested_by, link.approver):
        return _show(link, request, desk, 403, "Nothing was decided: you asked, so somebody else decides.")
    tries = desk.approvals.take_try(click.secret)
    if tries > MOST_TRIES:
        return _locked(request)
    if not hmac.compare_digest(typed_code(form.get("code", "")).encode(), request.code.encode()):
        return _show(link, request, desk, 422, _wrong_code(MOST_TRIES - tries))
    return _record(link, request, DECISIONS[form["decision"]], form.get("comment", "").strip(), desk)


def _record(link: Link, request: Request, status: str, comment: str, desk: Desk) -> Answer:
    token = desk.approvals.decide(link, status, comment, int(desk.now))
    if token is None:
        fresh = desk.approvals.request(link.run)
        return (_refused(link, fresh, desk.now) or _decided(fresh)) if fresh else _unknown()
    if not _tell(token, link, status, comment, desk):
        return _page(409, "The run no longer waits", "It expired or was stopped before your answer.", request)
    desk.emit("ApprovalWaitSeconds", int(desk.now) - request.requested_at)
    text = GOES_ON if status == "approved" else ENDS_HERE
    answer = _page(200, f"You {status} this plan", text, request, "good")
    return Answer(answer.status, answer.html, {**answer.log, "by": link.approver})


def _tell(token: str, link: Link, status: str, comment: str, desk: Desk) -> bool:
    by, at = link.approver, timestamp(desk.now)
    try:
        if status == "approved":
            output = {"by": by, "digest": link.plan, "at": at, "comment": comment}
            heard = desk.tokens.succeed(token, output)
        else:
            heard = desk.tokens.fail(token, "ApprovalRejected", f"{by}: {comment or 'no comment'}")
    except Exception:
        # The run did not hear it, so nobody has decided: the next click may.
        desk.approvals.amend(link, "pending")
        raise
    if not heard:
        desk.approvals.amend(link, "ended")
    return heard


def _show(link: Link, request: Request, desk: Desk, status: int = 200, problem: str = "") -> Answer:
    plan = _stored_plan(request, desk)
    if plan is None:
        text = "It is not stored as it was made, so it cannot be approved. Start the run again."
        return _page(409, "This plan cannot be shown", text, request, "bad")
    if isinstance(plan, RecoveryPlan):
        html = recovery_page(request, plan, link, desk.now, problem)
    else:
        html = plan_page(request, plan, link, desk.now, problem, desk.plans.drill_of(plan.bundle))
    return Answer(status, html, {"run": request.run, "said": problem or "shown"})


def _stored_plan(request: Request, desk: Desk) -> Plan | RecoveryPlan | None:
    try:
        plan = plan_from_json(desk.plans.get_plan(request.plan))
    except (PlanOutdated, BadRequest):
        return None
    # Whoever approves must see what would run: a stored plan with another digest is not it.
    return plan if plan.digest == request.plan else None


def _malformed(form: Mapping[str, str]) -> str:
    if form.get("decision") not in DECISIONS:
        return "choose Approve or Reject"
    if len(form.get("comment", "")) > MOST_COMMENT:
        return f"the comment is longer than {MOST_COMMENT} characters"
    return ""


def _wrong_code(left: int) -> str:
    tries = "1 try is" if left == 1 else f"{left} tries are"
    return f"Nothing was decided: that is not the code. {tries} left."


def _refused(link: Link, request: Request, now: float) -> Answer | None:
    if link.plan != request.plan:
        text = "The run asks about another plan now. Use the link in the newest mail about it."
        return _page(409, "This link is for another plan", text, request)
    if request.status == "pending" and now >= min(link.expires_at, request.expires_at):
        text = f"Nobody decided until {moment(request.expires_at)}, which counts as no. Start the run again."
        return _page(410, "This request expired", text, request)
    return None


def _decided(request: Request) -> Answer:
    if request.status == "ended":
        return _page(409, "The run no longer waits", "It expired or was stopped.", request)
    text = f"{request.decided_by} {request.status} it at {moment(request.decided_at)}."
    return _page(409, "Somebody decided already", text, request)


def _locked(request: Request) -> Answer:
    text = f"It was answered {MOST_TRIES} times without success. Another approver can still decide."
    return _page(429, "This link is locked", text, request)


def _unknown() -> Answer:
    text = "Check that the whole link was copied. Links are removed some months after their run."
    return _page(404, "There is no such link", text)


def _page(status: int, title: str, text: str, request: Request | None = None, tone: str = "warn") -> Answer:
    environment, run = (request.environment, request.run) if request else ("", "")
    html = message_page(title, text, tone, environment, run)
    return Answer(status, html, {"run": run, "said": title} if run else {"said": title})
