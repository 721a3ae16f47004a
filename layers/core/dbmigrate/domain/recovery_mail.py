"""The e-mail that asks one approver about a recovery: the application waits, so it is short."""

from __future__ import annotations

from dbmigrate.domain.approval import Request
from dbmigrate.domain.recovery import RecoveryPlan
from dbmigrate.domain.recovery_notice import where_from
from dbmigrate.domain.words import counted, moment

MAIL = """\
{who} asks to put {database} in {environment} back to {to}.
The application is shut out until somebody decides.

Reason:     {reason}
Recovered:  {recovered} that the old instance lacks
Left there: {lost} that only the old instance has
Changed:    {changed} whose earlier values come back{unknown}
Kept:       the old instance, as {kept}
Expires:    {expires}; no answer counts as no, which puts everything back
Recovery:   {run}

See what was found and decide:
{url}

Do not forward this mail: this link acts in your name.
Opening the link changes nothing; deciding takes the code that the page shows.
"""


def recovery_subject(request: Request, plan: RecoveryPlan) -> str:
    """What the approver sees in the list of mails."""
    return f"[db-migrate] {request.environment}: RECOVER {plan.database}? The application waits for you"


def recovery_mail(request: Request, plan: RecoveryPlan, url: str) -> str:
    """The text for one approver. ``url`` is personal."""
    found, missing = plan.found, (plan.report or {}).get("not_compared") or ()
    parts = counted(len(missing), "part")
    return MAIL.format(
        who=request.requested_by or "Somebody",
        database=plan.database,
        environment=request.environment,
        to=where_from(plan.to_json()),
        reason=plan.reason or "none given",
        recovered=counted(found.get("recovered", 0), "row"),
        lost=counted(found.get("only_on_old", 0), "row"),
        changed=counted(found.get("changed", 0), "row"),
        unknown=f"\nUnknown:    {parts} could not be compared, see the page" if missing else "",
        kept=plan.kept,
        expires=moment(request.expires_at),
        run=request.run,
        url=url,
    )
