"""What a drill measured of the plan's bundle, on the approval page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from dbmigrate.domain.drill_words import WHERE, drill_facts, seconds
from dbmigrate.domain.notice import describe_failure
from dbmigrate.domain.plan import Impact, Plan
from dbmigrate.domain.words import moment, span

NONE = (
    "Nobody has rehearsed this bundle on a restored copy: what is foretold here was never measured on the "
    "rows of this database."
)


def drill_part(plan: Plan, drill: Mapping[str, Any] | None) -> str:
    """What the plan's bundle did to a restored copy of the database, beside what was foretold; or plainly
    that nobody has tried."""
    if plan.direction == "downgrade":
        return ""
    title = "<h2>Rehearsed on a restored copy</h2>"
    if drill is None:
        return f'{title}<div class="note warn">{escape(NONE)}</div>'
    heads = "<tr><th>Revision<th>Table<th>Lock<th>Measured<th>Foretold"
    table = f"<table><thead>{heads}<tbody>{''.join(_rows(plan, drill))}</table>"
    return f"{title}{_verdict(drill)}<div class=wide tabindex=0>{table}</div>"


def _verdict(drill: Mapping[str, Any]) -> str:
    what = drill_facts({**drill, "revisions": []})
    about = " ".join(f"{name}: {what[name]}." for name in ("Backup", "Found", "RTO") if what[name])
    when = f"at {moment(drill['ended'])}" if drill.get("ended") else ""
    if drill.get("verdict") == "DrillPassed":
        text = f"The drill {drill['drill']} applied it {when} and the copy was verified. {about}"
        return f'<div class="note good">{escape(text)}</div>'
    text = f"The drill {drill['drill']} FAILED {when}, {WHERE.get(drill.get('where', ''), 'before its end')}."
    why = f"<p>{escape(describe_failure(drill.get('failure') or {}))}</p>"
    return f'<div class="note bad"><b>{escape(text)}</b>{why}<p>{escape(about)}</p></div>'


def _rows(plan: Plan, drill: Mapping[str, Any]) -> Iterable[str]:
    """A line for each revision, and one below it for each lock that was seen."""
    measured = {one["revision"]: one for one in (drill.get("rehearsal") or {}).get("revisions", ())}
    for step in plan.steps:
        one = measured.get(step.revision)
        if one is None:
            yield _row(step.revision, "", "", "not measured", "")
            continue
        yield _row(step.revision, "", "", seconds(one["seconds"]), "")
        for lock in one["locks"]:
            yield _row(
                "",
                lock["relation"],
                lock["mode"].lower(),
                seconds(lock["seconds"]),
                _foretold(step.impact, lock),
            )


def _foretold(impact: Iterable[Impact], lock: Mapping[str, Any]) -> str:
    known = [each for each in impact if (each.relation, each.lock) == (lock["relation"], lock["mode"])]
    if not known:
        return "not foretold"
    longest = max(known, key=lambda each: each.seconds_high or float("inf"))
    return span(longest.seconds_low, longest.seconds_high)


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells)
