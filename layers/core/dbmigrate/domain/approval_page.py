"""The approval page: what an approver needs to say yes or no, as HTML without scripts or outside parts."""

from __future__ import annotations

from html import escape

from dbmigrate.domain.approval import MOST_COMMENT, Link, Request
from dbmigrate.domain.approval_findings import findings_part, impact_part
from dbmigrate.domain.approval_revisions import revisions_part
from dbmigrate.domain.approval_style import STYLE
from dbmigrate.domain.plan import ENDS_SESSIONS, Plan
from dbmigrate.domain.words import ago, counted, duration, moment

ENVIRONMENT_TONES = {"production": "bad", "staging": "warn"}
# For those who do not see a colour.
TONE_WORDS = {"good": "Recorded", "warn": "Nothing was changed", "bad": "Refused"}
STATUS_TONES = {"approved": "good", "rejected": "bad"}


def plan_page(request: Request, plan: Plan, link: Link, now: float, problem: str = "") -> str:
    """The plan with its form while the question is open, and with the answer once it is not."""
    body = "".join(
        (
            _header(request.environment),
            f"<h1>{escape(_question(request, plan))}</h1>",
            f"<p class=soft>{_asked(request, now)}</p>",
            _problem(problem),
            _answer(request),
            _facts(request, plan, now),
            _losses(plan),
            _terminates(plan),
            findings_part(plan),
            impact_part(plan.steps),
            revisions_part(plan),
            _form(request, link) if request.status == "pending" else "",
            _footer(request),
        )
    )
    return _document(_question(request, plan), body)


def message_page(title: str, text: str, tone: str, environment: str = "", run: str = "") -> str:
    """One sentence or two: the answer was taken, or why it was not. ``tone`` is good, warn or bad."""
    where = f"<p class=soft>Run <code>{escape(run)}</code></p>" if run else ""
    pill = f'<p><span class="pill {tone}">{TONE_WORDS[tone]}</span></p>'
    card = f'<div class="card message">{pill}<h1>{escape(title)}</h1><p>{escape(text)}</p>{where}</div>'
    return _document(title, _header(environment) + card)


def _document(title: str, body: str) -> str:
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        '<meta name=color-scheme content="light dark"><meta name=robots content=noindex>'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _header(environment: str) -> str:
    tone = ENVIRONMENT_TONES.get(environment, "")
    pill = f'<span class="pill {tone}">{escape(environment)}</span>' if environment else ""
    return f"<header><b>db-migrate</b>{pill}</header>"


def _question(request: Request, plan: Plan) -> str:
    verb, place = ("Undo", "in") if plan.direction == "downgrade" else ("Apply", "to")
    mark = "?" if request.status == "pending" else ""
    return f"{verb} {counted(len(plan.steps), 'revision')} {place} {request.environment}{mark}"


def _asked(request: Request, now: float) -> str:
    who = escape(request.requested_by or "Somebody")
    jump = ' <a href="#decide">Go to the decision</a>' if request.status == "pending" else ""
    return f"{who} asked {ago(now - request.requested_at)}.{jump}"


def _problem(problem: str) -> str:
    return f'<div class="note bad" role=alert>{escape(problem)}</div>' if problem else ""


def _answer(request: Request) -> str:
    if request.status == "pending":
        return ""
    if request.status == "ended":
        text = f"The run stopped waiting before it heard the decision of {request.decided_by}."
        return f'<div class="note warn" role=status>{escape(text)}</div>'
    comment = f"<p>{escape(request.comment)}</p>" if request.comment else ""
    who = f"{request.status.capitalize()} by {request.decided_by} at {moment(request.decided_at)}"
    return f'<div class="note {STATUS_TONES[request.status]}" role=status><b>{escape(who)}</b>{comment}</div>'


def _facts(request: Request, plan: Plan, now: float) -> str:
    backup = request.backup
    left = request.expires_at - now
    facts = (
        ("Way back", *_way_back(plan)),
        ("Predicted time", duration(plan.predicted_seconds), "an upper estimate"),
        ("Backup", str(backup.get("status") or "none").capitalize(), str(backup.get("id") or "")),
        ("Expires", f"In {duration(left)}" if left > 0 else "Expired", moment(request.expires_at)),
        ("From", plan.start, ""),
        ("To", plan.end, ""),
    )
    cells = (
        f"<div><dt>{name}</dt><dd>{escape(value)}{_small(more)}</dd></div>" for name, value, more in facts
    )
    return f"<dl class=facts>{''.join(cells)}</dl>"


def _way_back(plan: Plan) -> tuple[str, str]:
    if plan.reversible:
        return "Reversible", "tried out, nothing is lost"
    return "Not reversible", "data is lost" if plan.losses else "the downgrade was not proved"


def _small(text: str) -> str:
    return f"<small>{escape(text)}</small>" if text else ""


def _losses(plan: Plan) -> str:
    if not plan.losses:
        return ""
    items = "".join(f"<li>{escape(loss)}</li>" for loss in plan.losses)
    title = "This is lost" if plan.direction == "downgrade" else "A way back would not bring this back"
    return f'<div class="note bad"><b>{title}:</b><ul>{items}</ul></div>'


def _terminates(plan: Plan) -> str:
    if not plan.terminate_blockers:
        return ""
    return f'<div class="note bad"><b>Other sessions may be ended.</b><p>{escape(ENDS_SESSIONS)}</p></div>'


def _form(request: Request, link: Link) -> str:
    if link.locked:
        return '<div class="note warn">This link is locked. Another approver can still decide.</div>'
    return f"""<section class="card decision" id=decide><h2>Your decision</h2>
<p>You answer as <b>{escape(link.approver)}</b>. Deciding is final and is recorded with your name.</p>
<form method=post autocomplete=off>
<label for=code>Type this code <small>to show that a person read the plan</small></label>
<span class=code aria-label="{escape(" ".join(request.code))}">{escape(request.code)}</span>
<input id=code name=code required maxlength=12 autocapitalize=characters spellcheck=false>
<label for=comment>Comment <small>(optional, everyone will read it)</small></label>
<textarea id=comment name=comment maxlength={MOST_COMMENT}></textarea>
<div class=buttons><button class=yes name=decision value=approve>Approve</button>
<button class=no name=decision value=reject>Reject</button></div></form></section>"""


def _footer(request: Request) -> str:
    return (
        f"<footer><p>Run <code>{escape(request.run)}</code></p>"
        f"<p>Plan <code>{escape(request.plan)}</code></p>"
        "<p>Opening this page changes nothing. An approval holds for this plan and no other.</p></footer>"
    )
