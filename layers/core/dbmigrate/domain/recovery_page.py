"""The approval page of a recovery: what would take the database's place, and what a swap leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dbmigrate.domain.approval import Link, Request
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
from dbmigrate.domain.recovery import FOUND, RecoveryPlan
from dbmigrate.domain.recovery_notice import where_from
from dbmigrate.domain.recovery_times import PARTS, parts_of
from dbmigrate.domain.words import counted, duration, moment

MOST_TABLES = 200  # the report in the bucket has them all
HEADS = {"only_on_old": "Left behind", "recovered": "Recovered", "changed": "Changed"}
SAMPLES = {
    "only_on_old": "only the old instance has",
    "recovered": "only the copy has",
    "changed": "both have, with other values",
}


def recovery_page(request: Request, plan: RecoveryPlan, link: Link, now: float, problem: str = "") -> str:
    """The recovery with its form while the question is open, and with the answer once it is not."""
    report = plan.report or {}
    body = "".join(
        (
            header(request.environment),
            f"<h1>{escape(_question(request, plan))}</h1>",
            f"<p class=soft>{asked(request, now)}</p>",
            problem_note(problem),
            answer_note(request),
            _reason(plan),
            _facts(request, plan, now),
            _left_behind(plan),
            _tables(report),
            _samples(report),
            _checks(request.backup.get("integrity") or {}),
            _times(request.backup.get("times") or {}, now),
            form(request, link) if request.status == "pending" else "",
            footer(request),
        )
    )
    return document(_question(request, plan), body)


def _question(request: Request, plan: RecoveryPlan) -> str:
    to = f"snapshot {plan.snapshot}" if plan.snapshot else str(plan.time)
    return f"Put {plan.database} back to {to}{'?' if request.status == 'pending' else ''}"


def _reason(plan: RecoveryPlan) -> str:
    return f"<p>{escape(plan.reason)}</p>" if plan.reason else ""


def _facts(request: Request, plan: RecoveryPlan, now: float) -> str:
    left, fenced = request.expires_at - now, (request.backup.get("times") or {}).get("fenced")
    out = f"For {duration(max(0.0, now - fenced / 1000))}" if fenced else "Yes"
    return facts_grid(
        (
            ("Restored from", "Snapshot" if plan.snapshot else "A moment", where_from(plan.to_json())),
            ("Application shut out", out, f"since {moment(fenced / 1000)}" if fenced else ""),
            ("Expires", f"In {duration(left)}" if left > 0 else "Expired", moment(request.expires_at)),
            ("Takes over", plan.restored, f"as {plan.database}"),
            ("Is kept", plan.database, f"as {plan.kept}, fenced"),
            ("A no", "Puts everything back", "the application gets the old instance as it was"),
        )
    )


def _left_behind(plan: RecoveryPlan) -> str:
    found = plan.found
    lost, changed = found.get("only_on_old", 0), found.get("changed", 0)
    missing = len((plan.report or {}).get("not_compared") or ())
    if missing and not lost and not changed:
        unknown = counted(missing, "part")
        return (
            f'<div class="note bad"><b>No loss was found, but {unknown} could not be compared.</b>'
            "<p>What a swap would leave behind there, nobody knows: they are named below.</p></div>"
        )
    if not lost and not changed:
        return '<div class="note good"><b>The old instance has no row that the copy lacks.</b></div>'
    values = f", and the values of {counted(changed, 'row')} that changed since" if changed else ""
    return (
        f'<div class="note bad"><b>A swap leaves behind {counted(lost, "row")} that only the old instance has'
        f"{values}{' at the least' if missing else ''}.</b>"
        f"<p>They stay on {escape(plan.kept)}, where they can be taken over by hand.</p></div>"
    )


def _tables(report: Mapping[str, Any]) -> str:
    tables = list(report.get("tables") or ())
    rows = "".join(
        f"<tr><td>{escape(str(table['table']))}"
        + "".join(f"<td>{int(table.get(word) or 0):,}" for word in HEADS)
        for table in tables[:MOST_TABLES]
        if any(table.get(word) for word in FOUND)
    )
    heads = "".join(f"<th>{title}" for title in HEADS.values())
    grid = f"<table><thead><tr><th>Table{heads}<tbody>{rows}</table>"
    shown = f"<div class=wide tabindex=0>{grid}</div>" if rows else ""
    more = [f"and {counted(len(tables) - MOST_TABLES, 'table')} more"] if len(tables) > MOST_TABLES else []
    more += [f"{counted(int(report['equal']), 'table')} with the same rows"] if report.get("equal") else []
    notes = [
        f"{table['table']}: {note}" for table in tables[:MOST_TABLES] for note in table.get("notes") or ()
    ]
    notes += [f"not compared: {name}" for name in report.get("not_compared") or ()]
    soft = f"<p class=soft>{escape(', '.join(more))}</p>" if more else ""
    return f"<h2>Rows, table by table</h2>{shown}{soft}{_listed(notes)}" if shown or soft or notes else ""


def _samples(report: Mapping[str, Any]) -> str:
    cards = "".join(
        f"<li class=card><div class=title><code>{escape(str(table['table']))}</code>"
        f"<b>{escape(f'{int(table[word]):,} that {SAMPLES[word]}')}</b></div>{_keys(keys)}</li>"
        for table in (report.get("tables") or ())[:MOST_TABLES]
        for word, keys in (table.get("samples") or {}).items()
        if keys and word in SAMPLES
    )
    return f"<h2>Some of them, by key</h2><ul class=findings>{cards}</ul>" if cards else ""


def _keys(keys: Sequence[Mapping[str, Any]]) -> str:
    words = (", ".join(f"{name} = {value}" for name, value in key.items()) for key in keys)
    return f"<pre tabindex=0>{escape(chr(10).join(words))}</pre>"


def _checks(integrity: Mapping[str, Any]) -> str:
    checks, notes = integrity.get("checks") or (), integrity.get("notes") or ()
    if not checks and not notes:
        return ""
    return f"<h2>Integrity of the copy</h2>{_listed(checks)}{_listed(notes, 'note warn')}"


def _listed(items: Sequence[Any], look: str = "card") -> str:
    lines = "".join(f"<li>{escape(str(item))}</li>" for item in items)
    return f'<div class="{look}"><ul>{lines}</ul></div>' if lines else ""


def _times(times: Mapping[str, Any], now: float) -> str:
    taken = parts_of(times).items()
    rows = "".join(f"<tr><td>{PARTS[part]}<td>{escape(duration(seconds))}" for part, seconds in taken)
    if not rows:
        return ""
    waiting = (
        f"<tr><td>waiting for you<td>{duration(max(0.0, now - times['compared'] / 1000))}"
        if "compared" in times
        else ""
    )
    return (
        "<h2>Time so far</h2><div class=wide tabindex=0><table><thead><tr><th>Step<th>Took"
        f"<tbody>{rows}{waiting}</table></div>"
    )
