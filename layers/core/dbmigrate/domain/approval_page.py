"""The approval page: what an approver needs to say yes or no, as HTML without scripts or outside parts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from dbmigrate.domain.approval import Link, Request
from dbmigrate.domain.approval_findings import findings_part, impact_part
from dbmigrate.domain.approval_frame import (
    answer_note,
    asked,
    document,
    facts_grid,
    footer,
    form,
    header,
    problem_note,
)
from dbmigrate.domain.approval_rehearsal import drill_part
from dbmigrate.domain.approval_revisions import revisions_part
from dbmigrate.domain.backup_words import backup_words, point_in_time_words
from dbmigrate.domain.plan import ENDS_SESSIONS, Plan
from dbmigrate.domain.words import counted, duration, moment

# For those who do not see a colour.
TONE_WORDS = {"good": "Recorded", "warn": "Nothing was changed", "bad": "Refused"}


def plan_page(
    request: Request,
    plan: Plan,
    link: Link,
    now: float,
    problem: str = "",
    drill: Mapping[str, Any] | None = None,
) -> str:
    """The plan with its form while the question is open, and with the answer once it is not. ``drill`` is the
    newest one that rehearsed the plan's bundle."""
    body = "".join(
        (
            header(request.environment),
            f"<h1>{escape(_question(request, plan))}</h1>",
            f"<p class=soft>{asked(request, now)}</p>",
            problem_note(problem),
            answer_note(request),
            _facts(request, plan, now),
            _losses(plan),
            _terminates(plan),
            findings_part(plan),
            impact_part(plan.steps),
            drill_part(plan, drill),
            revisions_part(plan),
            form(request, link) if request.status == "pending" else "",
            footer(request),
        )
    )
    return document(_question(request, plan), body)


def message_page(title: str, text: str, tone: str, environment: str = "", run: str = "") -> str:
    """One sentence or two: the answer was taken, or why it was not. ``tone`` is good, warn or bad."""
    where = f"<p class=soft>Run <code>{escape(run)}</code></p>" if run else ""
    pill = f'<p><span class="pill {tone}">{TONE_WORDS[tone]}</span></p>'
    card = f'<div class="card message">{pill}<h1>{escape(title)}</h1><p>{escape(text)}</p>{where}</div>'
    return document(title, header(environment) + card)


def _question(request: Request, plan: Plan) -> str:
    verb, place = ("Undo", "in") if plan.direction == "downgrade" else ("Apply", "to")
    mark = "?" if request.status == "pending" else ""
    return f"{verb} {counted(len(plan.steps), 'revision')} {place} {request.environment}{mark}"


def _facts(request: Request, plan: Plan, now: float) -> str:
    left = request.expires_at - now
    facts = (
        ("Way back", *_way_back(plan)),
        ("Predicted time", duration(plan.predicted_seconds), "an upper estimate"),
        ("Backup", *backup_words(request.backup)),
        ("Point in time", *point_in_time_words(request.backup)),
        ("Expires", f"In {duration(left)}" if left > 0 else "Expired", moment(request.expires_at)),
        ("From", plan.start, ""),
        ("To", plan.end, ""),
    )
    return facts_grid(fact for fact in facts if fact[1])


def _way_back(plan: Plan) -> tuple[str, str]:
    if plan.reversible:
        return "Reversible", "tried out, nothing is lost"
    return "Not reversible", "data is lost" if plan.losses else "the downgrade was not proved"


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
