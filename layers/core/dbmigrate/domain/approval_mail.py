"""The e-mail that asks one approver: short, plain text, with the link that is theirs alone."""

from __future__ import annotations

from dbmigrate.domain.approval import Request
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.words import counted, duration, first_line, moment

MOST_REVISIONS = 20


def approval_subject(request: Request, plan: Plan) -> str:
    """What the approver sees in the list of mails."""
    verb = "undo" if plan.direction == "downgrade" else "apply"
    return f"[db-migrate] {request.environment}: {verb} {counted(len(plan.steps), 'revision')}? Your approval is asked"


def approval_mail(request: Request, plan: Plan, url: str) -> str:
    """The text for one approver. ``url`` is personal."""
    verb = "undo" if plan.direction == "downgrade" else "apply"
    return f"""{request.requested_by or "Somebody"} asks to {verb} {counted(len(plan.steps), "revision")} in {request.environment}.

{_revisions(plan)}

Way back:   {way_back(plan)}
Takes:      about {duration(plan.predicted_seconds)}
Backup:     {request.backup.get("id") or "none"}
Expires:    {moment(request.expires_at)}; no answer counts as no
Run:        {request.run}

Read the plan and decide:
{url}

Do not forward this mail: the link acts in your name.
Opening the link changes nothing; deciding takes the code that the page shows.
"""


def way_back(plan: Plan) -> str:
    """Whether the plan can be undone, in one line."""
    if plan.reversible:
        return "reversible; the way back was tried out and loses nothing"
    if plan.losses:
        return f"NOT reversible without loss: {'; '.join(plan.losses[:5])}"
    return "NOT proved: the downgrade of at least one revision did not restore what was there"


def _revisions(plan: Plan) -> str:
    lines = [f"  {step.revision}  {first_line(step.doc)}" for step in plan.steps[:MOST_REVISIONS]]
    more = len(plan.steps) - MOST_REVISIONS
    return "\n".join([*lines, f"  and {more} more, on the page"] if more > 0 else lines)
