"""The approval page: what an approver needs to say yes or no, as HTML without scripts or outside parts."""

from __future__ import annotations

from html import escape

from dbmigrate.domain.approval import MOST_COMMENT, Link, Request
from dbmigrate.domain.approval_style import STYLE
from dbmigrate.domain.plan import Plan, Step
from dbmigrate.domain.words import ago, counted, duration, first_line, moment

OPEN_SQL_LINES = 14  # longer SQL is folded, so that the page stays an overview
FINDING_TONES = {"block": "bad", "review": "warn", "note": ""}
ENVIRONMENT_TONES = {"production": "bad", "staging": "warn"}
CHANGE_TONES = {"+": "add", "-": "drop", "~": "change"}
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
            _findings(plan),
            f"<h2>{_order(plan)}</h2><ol class=revisions>",
            *(_step(step, number) for number, step in enumerate(plan.steps, 1)),
            "</ol>",
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


def _findings(plan: Plan) -> str:
    if not plan.findings:
        return ""
    return f"<h2>Findings</h2><ul class=findings>{''.join(_finding(found) for found in plan.findings)}</ul>"


def _finding(found: dict[str, str]) -> str:
    word = found.get("severity", "note")
    pill = f'<span class="pill {FINDING_TONES.get(word, "")}">{escape(word)}</span>'
    instead = f"<p class=soft>Instead: {escape(found['instead'])}</p>" if found.get("instead") else ""
    return (
        f"<li class=card><div class=title>{pill}"
        f"<b>{escape(found.get('rule', ''))}</b><code>{escape(found.get('revision', ''))}</code></div>"
        f"<p>{escape(found.get('message', ''))}</p>{instead}</li>"
    )


def _order(plan: Plan) -> str:
    return "The revision" if len(plan.steps) == 1 else f"{len(plan.steps)} revisions, in this order"


def _step(step: Step, number: int) -> str:
    why = first_line(step.doc)
    rest = step.doc.strip()[len(why) :].strip()
    changes = "".join(_change(change) for change in step.changes)
    return (
        f"<li class=card><div class=step><span>{number}</span><h3>{escape(why) or 'No reason given'}</h3>"
        f"<code>{escape(step.revision)}</code></div>"
        + (f"<p class=why>{escape(rest)}</p>" if rest else "")
        + f"<div class=pills>{_pills(step)}</div>"
        + (f"<ul class=changes aria-label=Changes>{changes}</ul>" if changes else "")
        + _sql(step)
        + "</li>"
    )


def _pills(step: Step) -> str:
    back = ("good", "way back proved") if step.round_trip else ("warn", "way back not proved")
    alone = '<span class="pill warn">outside a transaction</span>' if step.autocommit else ""
    return f'<span class="pill {back[0]}">{back[1]}</span>{alone}'


def _change(change: str) -> str:
    mark, _, text = change.partition(" ")
    if mark not in CHANGE_TONES:
        return f"<li>{escape(change)}</li>"
    return f"<li class={CHANGE_TONES[mark]}><b>{mark}</b>{escape(text)}</li>"


def _sql(step: Step) -> str:
    if not step.sql:
        return "<p class=soft>No SQL was seen on the scratch database.</p>"
    text = "\n\n".join(statement.strip().rstrip(";") + ";" for statement in step.sql)
    unfolded = " open" if text.count("\n") < OPEN_SQL_LINES else ""
    title = f"SQL, {counted(len(step.sql), 'statement')}"
    return f"<details{unfolded}><summary>{title}</summary><pre tabindex=0>{escape(text)}</pre></details>"


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
