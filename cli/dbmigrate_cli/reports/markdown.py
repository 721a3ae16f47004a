"""The report as the comment of a pull request: one screen, details folded, updated in place by its marker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dbmigrate.domain.changelog import to_lines
from dbmigrate.domain.errors import DbMigrateError
from dbmigrate.domain.findings import Finding
from dbmigrate.domain.plan import Step
from dbmigrate.domain.report import Report
from dbmigrate.domain.report_rules import about
from dbmigrate.domain.report_words import grouped, headline, is_code, rehearsed, relations, waiting, work
from dbmigrate.domain.words import counted, first_line, span
from dbmigrate_cli.reports.safe_markdown import block, code, folded, html, plain

MARKER = "<!-- db-migrate -->"
MOST_CHARACTERS = 65_000  # GitHub takes 65,536
MOST_ROWS = 40
ALERTS = {"block": "CAUTION", "review": "WARNING", "pass": "NOTE"}
TITLES = {"block": "blocked", "review": "to review", "pass": "passed"}
CUT = "\n\n**Cut here**: {} more would make this comment too long. All of it: {}\n"
ALL_OF_IT = "`db-migrate validate`, or the log of this job."


def report_markdown(report: Report) -> str:
    """The comment, shorter than MOST_CHARACTERS whatever the report holds."""
    return _short_enough([_head(report), *_findings(report), *_rest(report)])


def refusal_markdown(error: DbMigrateError) -> str:
    """The comment where there is no report, as a revision did not even run."""
    said = block(error.message, most=20_000)
    after = f"\n\nNext: {code(error.hint)}" if error.hint else ""
    return f"{MARKER}\n### db-migrate: refused\n\n{said}{after}\n"


def _short_enough(parts: list[str]) -> str:
    text, room = parts[0], MOST_CHARACTERS - len(CUT) - len(ALL_OF_IT) - 20
    for done, part in enumerate(parts[1:], 1):
        if len(text) + len(part) + 2 > room:
            return text + CUT.format(counted(len(parts) - done, "part"), ALL_OF_IT)
        text += f"\n\n{part}"
    return text + "\n"


def _head(report: Report) -> str:
    facts = "".join(f"\n| {name} | {text} |" for name, text in _facts(report))
    alert = f"> [!{ALERTS[report.verdict]}]\n> **{_sentence(report)}**"
    title = f"{MARKER}\n### db-migrate: {TITLES[report.verdict]}"
    return f"{title}\n\n{alert}\n\n| | |\n| --- | --- |{facts}"


def _sentence(report: Report) -> str:
    text = headline(report.findings)
    return f"{text[0].upper()}{text[1:]}."


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    plan = report.plan
    if plan.steps:
        span_of_it = f"from {code(plan.start)} to {code(plan.end)}"
        yield "Pending", f"{counted(len(plan.steps), 'revision')}, {span_of_it}"
    else:
        yield "Pending", f"nothing at {code(plan.start)}"
    yield "Judged", plain(report.judged)
    if plan.steps:
        yield "Sizes", plain(report.sized)
        yield "Way back", _way_back(report)
    if plan.deploy_order:
        yield "Order", plain(plan.deploy_order)
    if plan.steps:
        yield "Rehearsed", rehearsed(report.evidence)


def _way_back(report: Report) -> str:
    plan = report.plan
    if plan.reversible:
        return "proved, without loss"
    if not plan.losses:
        return "**not proved**"
    more = f" and {len(plan.losses) - 3} more" if len(plan.losses) > 3 else ""
    return "**loses data**: " + "; ".join(plain(loss) for loss in plan.losses[:3]) + more


def _findings(report: Report) -> Iterator[str]:
    for group in grouped(report.counting):
        finding, table = group[0], relations(group)
        where = f" <code>{html(table)}</code>" if table else ""
        title = f"{html(finding.rule)}: {html(about(finding.rule).title)}"
        yield folded(
            f"<b>{html(finding.severity)}</b> {title},{where} in {html(finding.revision)}",
            _body(report, group),
        )


def _body(report: Report, group: Sequence[Finding]) -> str:
    finding, place = group[0], report.found[group[0]]
    statement = f", statement {finding.statement}" if finding.statement else ""
    lines = [f"**Where** {code(f'{place.path}:{place.line}')}{statement}"]
    lines += [plain(message) for message in dict.fromkeys(found.message for found in group)]
    for name, text in (("", work(group)), ("**Who waits** ", waiting(group))):
        lines += [f"{name}{plain(text)}"] if text else []
    shown = is_code(finding.instead)
    lines.append("**Write instead**" + ("" if shown else f" {plain(finding.instead)}"))
    if shown:
        lines.append(block(finding.instead, "python"))
    return "\n\n".join(lines)


def _rest(report: Report) -> Iterator[str]:
    if report.diff:
        changed = counted(len(report.diff), "object")
        yield folded(f"Schema diff, {changed}", block(_diff(to_lines(report.diff)), "diff"))
    if any(step.impact for step in report.plan.steps):
        yield folded("Impact: who waits, and for how long", _impact(report.plan.steps))
    if report.plan.steps:
        yield folded("Revisions", "\n\n".join(_revision(report, step) for step in report.plan.steps))
    if report.let_pass:
        lines = [_let_pass(finding) for finding in report.let_pass]
        yield folded(f"Let pass with a reason, {len(lines)}", "\n".join(lines))
    if report.notes:
        yield "\n".join(f"- {plain(note)}" for note in report.notes)


def _diff(lines: Iterable[str]) -> str:
    return "\n".join("!" + line[1:] if line.startswith("~") else line for line in lines)


def _impact(steps: Iterable[Step]) -> str:
    rows = [
        f"| {code(step.revision)} | {each.statement} | {code(each.relation)} | {each.lock} "
        f"| {span(each.seconds_low, each.seconds_high)} |"
        for step in steps
        for each in step.impact
    ]
    more = f"\n\nand {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
    heads = "| revision | statement | table | lock | held |\n| --- | ---: | --- | --- | --- |\n"
    return heads + "\n".join(rows[:MOST_ROWS]) + more


def _revision(report: Report, step: Step) -> str:
    back = "way back proved" if step.round_trip else "**way back not proved**"
    facts = ", ".join(filter(None, (step.phase, back)))
    lines = [f"**{code(step.revision)}** {plain(first_line(step.doc))} ({facts})", ""]
    lines += [f"- {plain(text)}" for text in _remarks(report, step)]
    sql = "\n\n".join(statement.rstrip().rstrip(";") + ";" for statement in step.sql)
    return "\n".join(lines).rstrip() + ("\n\n" + block(sql, "sql", 4000) if sql else "")


def _remarks(report: Report, step: Step) -> Iterator[str]:
    seen, phase = report.evidence.revisions[step.revision], report.phases.get(step.revision)
    if seen.round_trip_error:
        yield seen.round_trip_error[:500]
    for table, column, rows in seen.row_losses:
        yield f"{counted(rows, 'row')} of {table} lost on the way up and down" + (
            f", {column}" if column else ""
        )
    if seen.unseeded:
        yield f"judged by rule, as no row stood there when it ran: {', '.join(seen.unseeded)}"
    if phase:
        yield from (f"the application that runs now: {broken}" for broken in phase.breaks_old)
        yield from (f"the new application before it: {needed}" for needed in phase.breaks_new)
        yield from (f"split it: {split}" for split in (phase.split,) if split)


def _let_pass(finding: Finding) -> str:
    return (
        f"- {plain(finding.rule)} in {code(finding.revision)}: {plain(finding.suppressed_because or '')} "
        f"({plain(finding.message)})"
    )
