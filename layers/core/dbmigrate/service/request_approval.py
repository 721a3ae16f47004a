"""Ask every approver but the requester, each by a link of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dbmigrate.domain.approval import Link, Request, approvers_for, new_secret
from dbmigrate.domain.approval_mail import approval_mail, approval_subject
from dbmigrate.domain.errors import PlanOutdated
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.recovery import RecoveryPlan, plan_from_json
from dbmigrate.domain.recovery_mail import recovery_mail, recovery_subject
from dbmigrate.domain.shape import OPTIONAL_OBJECT, PLAN, Shape

ASKED: Shape = {
    "run": str,
    "plan": PLAN,
    "backup": OPTIONAL_OBJECT,
    "token": str,
    "expires_in": (int, float),
}


class Approvals(Protocol):
    """Where requests and links are kept."""

    def open(self, request: Request, token: str) -> bool: ...
    def add_link(self, secret: str, link: Link) -> None: ...


class Plans(Protocol):
    """Where whole plans are kept."""

    def get_plan(self, digest: str) -> dict[str, Any]: ...


class Messages(Protocol):
    """How an approver is reached."""

    def send_link(self, approver: str, subject: str, text: str) -> None: ...


@dataclass(frozen=True)
class Ports:
    """Everything that asking touches."""

    approvals: Approvals
    plans: Plans
    messages: Messages
    emit: Callable[[str, float], None]


def shape_of(event: Any) -> Shape:
    """The state machine asks for an approval; a schedule asks who is still waited for."""
    return {"question": str} if isinstance(event, Mapping) and "question" in event else ASKED


def request_approval(
    event: Mapping[str, Any], approvers: Iterable[str], url: str, now: int, ports: Ports
) -> None:
    """Store the request with its task token and mail the links. A retry replaces the run's request.

    Raises Misconfigured when nobody but the requester could approve, PlanOutdated for another stored plan.
    """
    slim = event["plan"]
    asked = approvers_for(slim["requested_by"], approvers)
    plan = plan_from_json(ports.plans.get_plan(slim["digest"]))
    if plan.digest != slim["digest"]:
        raise PlanOutdated(
            f"The stored plan is {plan.digest}, the run's {slim['digest']}.", "start the run again"
        )
    request = _request(event, plan, now)
    if not ports.approvals.open(request, event["token"]):
        return
    for approver in asked:
        secret = new_secret()
        ports.approvals.add_link(secret, Link(request.run, request.plan, approver, request.expires_at))
        link = f"{url.rstrip('/')}/approvals/{secret}"
        ports.messages.send_link(approver, *_mail(request, plan, link))
    ports.emit("ApprovalRequested", 1)


def _mail(request: Request, plan: Plan | RecoveryPlan, link: str) -> tuple[str, str]:
    """Subject and text."""
    if isinstance(plan, RecoveryPlan):
        return recovery_subject(request, plan), recovery_mail(request, plan, link)
    return approval_subject(request, plan), approval_mail(request, plan, link)


def _request(event: Mapping[str, Any], plan: Plan | RecoveryPlan, now: int) -> Request:
    return Request(
        run=event["run"],
        plan=plan.digest,
        code=plan.code,
        environment=plan.environment,
        requested_by=plan.requested_by,
        requested_at=now,
        expires_at=now + int(event["expires_in"]),
        backup=event.get("backup") or {},
    )
