"""The findings on the approval page: where, what, who waits and how long, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from html import escape
from typing import Any

from dbmigrate.domain.findings import Finding
from dbmigrate.domain.plan import Plan, Step
from dbmigrate.domain.report_words import gravest_first, grouped, is_code, relations, waiting, work
from dbmigrate.domain.words import span

TONES = {"block": "bad", "review": "warn", "note": ""}
KNOWN = {field.name for field in fields(Finding)}
NEEDED = ("rule", "revision", "severity", "message", "instead")


def findings_part(plan: Plan) -> str:
    """Those that count, the gravest first; then those that a revision lets pass, with its reasons."""
    findings = [_finding_of(values) for values in plan.findings]
    counting = "".join(_finding(group) for group in grouped(gravest_first(findings)))
    passed = "".join(_let_pass(found) for found in findings if not found.counts)
    shown = f"<h2>Findings</h2><ul class=findings>{counting}</ul>" if counting else ""
    return shown + (f"<h2>Let pass</h2><ul class=passed>{passed}</ul>" if passed else "")


def _finding_of(values: Mapping[str, Any]) -> Finding:
    """Also of a plan that an older or a newer version made."""
    known = {key: value for key, value in values.items() if key in KNOWN}
    return Finding(**{**dict.fromkeys(NEEDED, ""), **known})


def _finding(group: Sequence[Finding]) -> str:
    first = group[0]
    messages = dict.fromkeys(found.message for found in group)
    return (
        f"<li class=card>{_title(first, relations(group))}"
        + "".join(f"<p>{escape(message)}</p>" for message in messages)
        + _line("", work(group))
        + _line("Who waits: ", waiting(group))
        + _instead(first.instead)
        + "</li>"
    )


def _title(found: Finding, table: str) -> str:
    pill = f'<span class="pill {TONES.get(found.severity, "")}">{escape(found.severity)}</span>'
    where = found.revision + (f", statement {found.statement}" if found.statement else "")
    about = f"<code>{escape(table)}</code>" if table else ""
    return f"<div class=title>{pill}<b>{escape(found.rule)}</b><code>{escape(where)}</code>{about}</div>"


def _line(name: str, text: str) -> str:
    return f"<p>{name}{escape(text)}</p>" if text else ""


def _instead(instead: str) -> str:
    if is_code(instead):
        code = f"<pre tabindex=0>{escape(instead.strip())}</pre>"
        return f"<details><summary>Write instead</summary>{code}</details>"
    return f"<p class=soft>Instead: {escape(instead)}</p>" if instead else ""


def _let_pass(found: Finding) -> str:
    """With the severity that it would count with: whoever approves also approves the reason."""
    reason = f"<p>{escape(found.suppressed_because or '')}</p><p class=soft>{escape(found.message)}</p>"
    waits = _line("Who waits: ", waiting([found]))
    return f"<li class=card>{_title(found, found.relation or '')}{reason}{waits}</li>"


def impact_part(steps: Iterable[Step]) -> str:
    """Which statement locks which table, and for how long."""
    rows = "".join(
        f"<tr><td>{escape(step.revision)}, {each.statement}<td>{escape(each.relation)}"
        f"<td>{escape(each.lock.lower())}<td>{escape(span(each.seconds_low, each.seconds_high))}"
        for step in steps
        for each in step.impact
    )
    if not rows:
        return ""
    heads = "<tr><th>Statement<th>Table<th>Lock<th>Held"
    table = f"<table><thead>{heads}<tbody>{rows}</table>"
    return f"<h2>Locks</h2><div class=wide tabindex=0>{table}</div>"
