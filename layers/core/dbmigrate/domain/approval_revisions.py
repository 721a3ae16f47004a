"""The revisions on the approval page: why, what changes in the schema, and the SQL that ran on scratch."""

from __future__ import annotations

from html import escape

from dbmigrate.domain.plan import Plan, Step
from dbmigrate.domain.words import counted, first_line

OPEN_SQL_LINES = 14  # longer SQL is folded, so that the page stays an overview
# Characters. As HTML each may take six bytes, and a function answers with 6 MiB at most.
MOST_SQL = 500_000
CHANGE_TONES = {"+": "add", "-": "drop", "~": "change"}


def revisions_part(plan: Plan) -> str:
    """A card for each, in the order in which they will run."""
    title = "The revision" if len(plan.steps) == 1 else f"{len(plan.steps)} revisions, in this order"
    order = f"<p>{escape(plan.deploy_order)}</p>" if plan.deploy_order else ""
    most = _longest(plan)
    steps = "".join(_step(step, number, most) for number, step in enumerate(plan.steps, 1))
    return f"<h2>{title}</h2>{order}<ol class=revisions>{steps}</ol>"


def _longest(plan: Plan) -> int:
    """How many characters of a statement there is room for: what short ones leave is the long ones'."""
    lengths = sorted(len(statement) for step in plan.steps for statement in step.sql)
    room = MOST_SQL
    for place, length in enumerate(lengths):
        share = room // (len(lengths) - place)
        if length > share:
            return share
        room -= length
    return MOST_SQL


def _step(step: Step, number: int, most: int) -> str:
    why = first_line(step.doc)
    rest = step.doc.strip()[len(why) :].strip()
    changes = "".join(_change(change) for change in step.changes)
    return (
        f"<li class=card><div class=step><span>{number}</span><h3>{escape(why) or 'No reason given'}</h3>"
        f"<code>{escape(step.revision)}</code></div>"
        + (f"<p class=why>{escape(rest)}</p>" if rest else "")
        + f"<div class=pills>{_pills(step)}</div>"
        + (f"<ul class=changes aria-label=Changes>{changes}</ul>" if changes else "")
        + _sql(step, most)
        + "</li>"
    )


def _pills(step: Step) -> str:
    phase = f'<span class="pill">{escape(step.phase)}</span>' if step.phase else ""
    back = ("good", "way back proved") if step.round_trip else ("warn", "way back not proved")
    alone = '<span class="pill warn">outside a transaction</span>' if step.autocommit else ""
    return f'{phase}<span class="pill {back[0]}">{back[1]}</span>{alone}'


def _change(change: str) -> str:
    mark, _, text = change.partition(" ")
    if mark not in CHANGE_TONES:
        return f"<li>{escape(change)}</li>"
    part = " part" if text.startswith(" ") else ""  # of the object above it
    return f'<li class="{CHANGE_TONES[mark]}{part}"><b>{mark}</b>{escape(text.strip())}</li>'


def _sql(step: Step, most: int) -> str:
    if not step.sql:
        return "<p class=soft>No SQL was seen on the scratch database.</p>"
    text = "\n\n".join(_cut(statement.strip().rstrip(";"), most) for statement in step.sql)
    unfolded = " open" if text.count("\n") < OPEN_SQL_LINES else ""
    title = f"SQL, {counted(len(step.sql), 'statement')}"
    return f"<details{unfolded}><summary>{title}</summary><pre tabindex=0>{escape(text)}</pre></details>"


def _cut(statement: str, most: int) -> str:
    if len(statement) <= most:
        return f"{statement};"
    return f"{statement[:most]} …\n-- {len(statement) - most:,} characters more, in the stored plan"
