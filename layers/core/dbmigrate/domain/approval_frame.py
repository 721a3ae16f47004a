"""What every approval page has, whatever it asks about: its frame, who asked, the answer, the form."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from dbmigrate.domain.approval import MOST_COMMENT, Link, Request
from dbmigrate.domain.approval_style import STYLE
from dbmigrate.domain.words import ago, moment

ENVIRONMENT_TONES = {"production": "bad", "staging": "warn"}
STATUS_TONES = {"approved": "good", "rejected": "bad"}


def document(title: str, body: str) -> str:
    """The whole HTML of a page, without scripts or outside parts."""
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        '<meta name=color-scheme content="light dark"><meta name=robots content=noindex>'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def header(environment: str) -> str:
    """The product's name and the environment."""
    tone = ENVIRONMENT_TONES.get(environment, "")
    pill = f'<span class="pill {tone}">{escape(environment)}</span>' if environment else ""
    return f"<header><b>db-migrate</b>{pill}</header>"


def asked(request: Request, now: float) -> str:
    """Who asked, and how long ago."""
    who = escape(request.requested_by or "Somebody")
    jump = ' <a href="#decide">Go to the decision</a>' if request.status == "pending" else ""
    return f"{who} asked {ago(now - request.requested_at)}.{jump}"


def problem_note(problem: str) -> str:
    """Why the last answer was not taken."""
    return f'<div class="note bad" role=alert>{escape(problem)}</div>' if problem else ""


def answer_note(request: Request) -> str:
    """What was decided, and by whom."""
    if request.status == "pending":
        return ""
    if request.status == "ended":
        text = f"The run stopped waiting before it heard the decision of {request.decided_by}."
        return f'<div class="note warn" role=status>{escape(text)}</div>'
    comment = f"<p>{escape(request.comment)}</p>" if request.comment else ""
    who = f"{request.status.capitalize()} by {request.decided_by} at {moment(request.decided_at)}"
    return f'<div class="note {STATUS_TONES[request.status]}" role=status><b>{escape(who)}</b>{comment}</div>'


def facts_grid(facts: Iterable[tuple[str, str, str]]) -> str:
    """Names, values and what is said beside them, at a glance."""
    cells = (
        f"<div><dt>{name}</dt><dd>{escape(value)}{_small(more)}</dd></div>" for name, value, more in facts
    )
    return f"<dl class=facts>{''.join(cells)}</dl>"


def _small(text: str) -> str:
    return f"<small>{escape(text)}</small>" if text else ""


def form(request: Request, link: Link) -> str:
    """Where the decision is made, by a code that is typed."""
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


def footer(request: Request) -> str:
    """Which run and which plan it is about."""
    return (
        f"<footer><p>Run <code>{escape(request.run)}</code></p>"
        f"<p>Plan <code>{escape(request.plan)}</code></p>"
        "<p>Opening this page changes nothing. An approval holds for this plan and no other.</p></footer>"
    )
