"""The e-mail that asks one approver: short, plain text, with the link that is theirs alone."""

from __future__ import annotations

from dbmigrate.domain.approval import Request
from dbmigrate.domain.backup_words import backup_words, point_in_time_line
from dbmigrate.domain.plan import ENDS_SESSIONS, Plan
from dbmigrate.domain.words import counted, duration, first_line, moment

MOST_REVISIONS = 20


MAIL = """\
{who} asks to {what} in {environment}.

{revisions}

Way back:   {way_back}
Takes:      about {takes}
Backup:     {backup}
Restorable: {restorable}
Expires:    {expires}; no answer counts as no
Run:        {run}
{ending}
Read the plan and decide:
{url}

Do not forward this mail: this link acts in your name.
Opening the link changes nothing; deciding takes the code that the page shows.
"""


def approval_subject(request: Request, plan: Plan) -> str:
    """What the approver sees in the list of mails."""
    return f"[db-migrate] {request.environment}: {_what(plan)}? Your approval is asked"


def approval_mail(request: Request, plan: Plan, url: str) -> str:
    """The text for one approver. ``url`` is personal."""
    return MAIL.format(
        who=request.requested_by or "Somebody",
        what=_what(plan),
        environment=request.environment,
        revisions=_revisions(plan),
        way_back=way_back(plan),
        takes=duration(plan.predicted_seconds),
        backup=backup_words(request.backup)[1] or "none",
        restorable=point_in_time_line(request.backup) or "not known",
        expires=moment(request.expires_at),
        run=request.run,
        ending=f"\n{ENDS_SESSIONS}\n" if plan.terminate_blockers else "",
        url=url,
    )


def way_back(plan: Plan) -> str:
    """Whether the plan can be undone, in one line."""
    if plan.reversible:
        return "reversible; the way back was tried out and loses nothing"
    if plan.losses and plan.direction == "downgrade":
        return f"NONE for what is lost: {'; '.join(plan.losses[:5])}"
    if plan.losses:
        return f"NOT reversible without loss: {'; '.join(plan.losses[:5])}"
    return "NOT proved: the downgrade of at least one revision did not restore what was there"


def _what(plan: Plan) -> str:
    verb = "undo" if plan.direction == "downgrade" else "apply"
    return f"{verb} {counted(len(plan.steps), 'revision')}"


def _revisions(plan: Plan) -> str:
    lines = [f"  {step.revision}  {first_line(step.doc)}" for step in plan.steps[:MOST_REVISIONS]]
    more = len(plan.steps) - MOST_REVISIONS
    return "\n".join([*lines, f"  and {more} more, on the page"] if more > 0 else lines)
