"""The report on a terminal, or as plain lines: each revision, its findings, and the verdict at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dbmigrate.domain.findings import Finding
from dbmigrate.domain.plan import Step
from dbmigrate.domain.report import Report
from dbmigrate.domain.report_rules import about
from dbmigrate.domain.report_words import grouped, headline, is_code, rehearsed, waiting, work
from dbmigrate.domain.words import counted, first_line, span
from dbmigrate_cli.output import Output

COLOURS = {"block": "red", "review": "yellow", "note": "cyan", "pass": "green"}
CHANGES = {"+": "green", "-": "red", "~": "yellow"}
MOST_CHANGES = 30
LABEL = len("who waits  ")
VERDICTS = {"pass": "Passed", "review": "To review", "block": "Blocked"}


def show_report(output: Output, report: Report) -> None:
    """The whole report; the verdict comes last, where a person at a terminal looks first."""
    if report.plan.steps:
        output.say(f"Rehearsed {rehearsed(report.evidence)}.")
    for step in report.plan.steps:
        _show_step(output, report, step)
    strangers = [found for found in report.counting if found.revision not in report.plan.revisions]
    if strangers:
        output.say()
        output.say("Revisions that are not pending", bold=True)
        _show_findings(output, report, strangers)
    _show_let_pass(output, report)
    output.say()
    output.fields(_whole(report))
    for note in report.notes:
        output.note(note)


def _show_step(output: Output, report: Report, step: Step) -> None:
    seen = report.evidence.revisions[step.revision]
    output.say()
    output.say(output.fit(f"{step.revision}  {first_line(step.doc)}"), bold=True)
    facts = [
        step.phase,
        "way back proved" if step.round_trip else "",
        "loses rows" if seen.row_losses else "",
    ]
    output.say("  " + ", ".join(filter(None, facts)) if any(facts) else "  no way back was proved", dim=True)
    _show_changes(output, step)
    if step.autocommit:
        output.wrapped("commits inside (autocommit_block): a failure may leave a part of it", "  ")
    if seen.round_trip_error:
        output.wrapped(f"not reversible: {seen.round_trip_error}", "  ", fg="yellow")
    for table, column, rows in seen.row_losses:
        lost = f"{counted(rows, 'row')} of {table}" + (f", column {column}" if column else "")
        output.wrapped(f"lost on the way up and down: {lost}", "  ", fg="yellow")
    if seen.unseeded:
        output.wrapped(f"judged by rule, as no row stood there when it ran: {', '.join(seen.unseeded)}", "  ")
    _show_impact(output, step)
    _show_findings(output, report, (found for found in report.counting if found.revision == step.revision))


def _show_changes(output: Output, step: Step) -> None:
    for change in step.changes[:MOST_CHANGES] or ("no change of the schema",):
        output.wrapped(change, "  ", hanging="    ", fg=CHANGES.get(change[:1]))
    more = len(step.changes) - MOST_CHANGES
    if more > 0:
        output.say(f"  and {more} more (--format json shows all)")


def _show_impact(output: Output, step: Step) -> None:
    if step.impact:
        rows = [
            ["", str(each.statement), each.relation, each.lock.lower(),
             span(each.seconds_low, each.seconds_high)]
            for each in step.impact
        ]  # fmt: skip
        output.table(["", "statement", "table", "lock", "held"], rows)


def _show_findings(output: Output, report: Report, findings: Iterable[Finding]) -> None:
    for group in grouped(findings):
        finding = group[0]
        output.say()
        title = f"{finding.severity}  {finding.rule}: {about(finding.rule).title}"
        output.wrapped(title, "  ", fg=COLOURS.get(finding.severity), bold=True)
        for name, text in _lines(report, group):
            output.wrapped(text, f"    {name.ljust(LABEL)}", hanging=" " * (4 + LABEL))
        _show_instead(output, finding.instead)


def _lines(report: Report, group: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    finding, place = group[0], report.found[group[0]]
    statement = f", statement {finding.statement}" if finding.statement else ""
    yield "where", f"{place.path}:{place.line}{statement}"
    yield "what", "\n".join(dict.fromkeys(found.message for found in group))
    if work(group):
        yield "", work(group)
    if waiting(group):
        yield "who waits", waiting(group)


def _show_instead(output: Output, instead: str) -> None:
    if not is_code(instead):
        output.wrapped(instead, f"    {'instead'.ljust(LABEL)}", hanging=" " * (4 + LABEL))
        return
    output.say("    write instead")
    for line in instead.strip("\n").splitlines():
        output.say(f"      {line}".rstrip(), fg="green")


def _show_let_pass(output: Output, report: Report) -> None:
    if not report.let_pass:
        return
    output.say()
    output.say("Let pass", bold=True)
    for finding in report.let_pass:
        output.wrapped(f"{finding.rule} in {finding.revision}: {finding.suppressed_because}", "  ")
        output.wrapped(finding.message, "    ", dim=True)


def _whole(report: Report) -> Iterator[tuple[str, str]]:
    plan = report.plan
    yield "judged", report.judged
    if plan.steps:
        yield "pending", f"{counted(len(plan.steps), 'revision')}, from {plan.start} to {plan.end}"
        yield "sizes", report.sized
        yield "reversible", _way_back(report)
        if plan.deploy_order:
            yield "order", plan.deploy_order
        if plan.bundle:
            yield "bundle", plan.bundle
    else:
        yield "pending", f"nothing at {plan.start}; all of it: db-migrate validate --from base"
    yield "verdict", f"{VERDICTS[report.verdict]}: {headline(report.findings)}"


def _way_back(report: Report) -> str:
    plan = report.plan
    if plan.reversible:
        return "yes, without loss"
    return "\n".join(("no", *plan.losses)) if plan.losses else "no, see above"
