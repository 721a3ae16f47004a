"""`db-migrate status`: where the database stands."""

from __future__ import annotations

from typing import Any

import click

from dbmigrate.adapters.history import History
from dbmigrate.domain.words import counted, first_line
from dbmigrate.service.inspect import status
from dbmigrate_cli.context import database_of, history_of, look_here
from dbmigrate_cli.evidence import known_evidence
from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import stack_option, standing_here_option
from dbmigrate_cli.working import unfinished_fields, way_on, wished

MOST_SHOWN = 20


@click.command("status")
@stack_option
@standing_here_option
@click.pass_obj
def command(options: Options, stack: str | None, local: bool) -> None:
    """Show the current revision, what is pending, drift, and the last run."""
    look_here(options, local)
    history = history_of(options)
    report = report_of(options, history, stack)
    options.output.result(**report)
    show(options, history, report)


def report_of(options: Options, history: History, stack: str | None) -> dict[str, Any]:
    """The status report: from the database itself, or from its stack and our own history."""
    if options.direct:
        database = database_of(options, join=True)
        return status(options.environment, database, history, known_evidence(history))
    from dbmigrate_cli.asked import ask_stack

    return ask_stack(options, history, stack)


def show(options: Options, history: History, report: dict[str, Any]) -> None:
    """The report as lines."""
    facts = [
        ("environment", f"{report['environment']} (PostgreSQL {report['server'].split()[0]})"),
        ("current", report["current"]),
        ("head", report["head"]),
        ("applied", str(report["applied"])),
        ("pending", _pending(history, report["pending"])),
        ("drift", _drift(options, report)),
    ]
    if report.get("fence"):
        facts.append(("fence", _fence(report["fence"])))
    if report.get("invalid_indexes"):
        facts.append(("invalid", "\n".join(report["invalid_indexes"])))
    if recovery := report.get("recovery"):
        facts.append(("recovery", f"{recovery['recovery']}, {recovery['phase']} since {recovery['since']}"))
    facts += [("running", _running(run)) for run in report["running"]]
    facts += unfinished_fields(report.get("unfinished", ()), report["running"])
    if report.get("unfinished_differences"):
        facts.append(("so far", "\n".join(report["unfinished_differences"])))
    facts.append(("last run", _ended(report["last_run"])))
    options.output.fields(facts)
    hint = _next(options, history, report)
    if hint:
        options.output.note(f"next: {hint}")


def _drift(options: Options, report: dict[str, Any]) -> str:
    """No difference is news only where something was compared: a run that failed half-way leaves nothing to
    compare with."""
    if report.get("compared", True) or report["drift"]:
        return "\n".join(report["drift_differences"]) or "none"
    how = f"; compare: {options.command} check{options.flag}" if options.direct else ""
    return f"not compared, no run of ours ended at {report['current']}{how}"


def _fence(fence: dict[str, Any]) -> str:
    shut = ", ".join(fence["databases"])
    return f"{fence['recovery']} keeps everybody out of {shut}, since {fence['since']}"


def _running(run: dict[str, Any]) -> str:
    return ", ".join(filter(None, (run["run"], f"since {run['started_at']}", wished(run))))


def _next(options: Options, history: History, report: dict[str, Any]) -> str:
    """What to do about it: a recovery comes first, then a running run, and drift stops every deploy."""
    if recovery := report.get("recovery"):
        return f"wait for its end; if it was cut: {', or: '.join(recovery['next'])}"
    if fence := report.get("fence"):
        recover, name = f"{options.command} recover", fence["recovery"]
        return f"go on: {recover} --resume {name}, or give it up: {recover} --abandon {name}"
    if report["running"]:
        run = report["running"][0]["run"]
        if report["running"][0].get("wish") == "pause":
            return f"{options.command} resume {run}"
        if options.environment == "development":
            way = way_on(options, report.get("unfinished", ()), report["current"], history)
            return f"wait for its end; if its process has died: {way}"
        return "" if options.local else f"{options.command} runs --follow {run}"
    if report["drift"]:
        return "undo the change by hand, or write the revision that makes it: db-migrate create NAME"
    if report.get("unfinished"):
        return way_on(options, report["unfinished"], report["current"], history)
    return f"{options.command} deploy{options.flag}" if report["pending"] else ""


def _pending(history: History, pending: list[str]) -> str:
    if not pending:
        return "none"
    lines = [
        f"{revision}  {first_line(history.revisions[revision].doc)}" for revision in pending[:MOST_SHOWN]
    ]
    more = len(pending) - MOST_SHOWN
    return "\n".join([counted(len(pending), "revision"), *lines, *([f"and {more} more"] if more > 0 else [])])


def _ended(run: dict[str, Any] | None) -> str:
    if run is None:
        return "none"
    moved = counted(len(run["revisions"]), "revision")
    lines = [f"{run['outcome']}, {moved}, {run['ended_at']}", run["run"], run.get("detail") or ""]
    return "\n".join(lines).rstrip()
