"""`db-migrate runs`: what ran, when, for whom, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from dbmigrate_cli.context import database_of, look_here
from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import stack_option, standing_here_option
from dbmigrate_cli.working import unfinished_fields


@click.command("runs")
@click.option(
    "--limit", type=click.IntRange(1, 50), default=20, show_default=True, help="How many, newest first."
)
@click.option("--follow", metavar="RUN", help="Staging, production: follow this run to its end.")
@click.option("--close", metavar="RUN", help="Staging, production: give back the lease of a run that died.")
@standing_here_option
@stack_option
@click.pass_obj
def command(
    options: Options, limit: int, follow: str | None, close: str | None, local: bool, stack: str | None
) -> None:
    """List the latest runs."""
    if local and (follow or close):
        raise click.UsageError("A run of the stand-in ends with its command: --local only lists them.")
    look_here(options, local)
    if close:
        _close(options, close, stack)
        return
    if follow:
        _follow(options, follow, stack)
        return
    asked = options.environment != "development" and not options.local
    found = _executions(options, limit, stack) if asked else []
    if options.direct:
        found = _merged(found, database_of(options, join=True).runs())
    found = found[:limit]
    work = _work(options, found, stack)
    options.output.result(environment=options.environment, runs=found, unfinished=work)
    if not found:
        options.output.say("No run yet.")
        return
    heads = ("run", "started", "took", "outcome", "revisions", "by", "approved by")
    shown = len(heads) if any(run.get("approved_by") for run in found) else -1
    options.output.table(heads[:shown], [_row(run)[:shown] for run in found])
    if work:
        options.output.say()
        options.output.fields(unfinished_fields(work, [run for run in found if not run["ended_at"]]))


def _work(options: Options, runs: list[dict[str, Any]], stack: str | None) -> list[dict[str, Any]]:
    """What the run that is open works on; nobody is asked when none is."""
    if all(run["ended_at"] for run in runs):
        return []
    if options.direct:
        return [line.to_json() for line in database_of(options, join=True).look().unfinished]
    from dbmigrate_cli.stack import aws_errors, open_stack

    with aws_errors(options):
        return list(open_stack(options, stack).inspect().get("unfinished", ()))


def _follow(options: Options, run: str, stack: str | None) -> None:
    if options.environment == "development":
        raise click.UsageError(
            "Runs of development are over when their command is; --follow is for staging and production."
        )
    from dbmigrate_cli.deploy_there import follow_there

    follow_there(options, run, stack)


def _close(options: Options, run: str, stack: str | None) -> None:
    """A lease whose run could not even give it back, because the database was away."""
    if options.environment == "development":
        raise click.UsageError("A run of development that died gives its lease to the next one by itself.")
    from dbmigrate_cli.stack import aws_errors, open_stack

    with aws_errors(options):
        end = open_stack(options, stack).close(run)
    had_lease = end.get("seconds") is not None
    options.output.result(run=run, closed=had_lease)
    options.output.say(f"Run {run} is closed." if had_lease else f"Run {run} held no lease.")


def _executions(options: Options, limit: int, stack: str | None) -> list[dict[str, Any]]:
    """The stack's executions. With --database the ledger speaks alone when there is no stack to ask."""
    from dbmigrate.domain.errors import Misconfigured
    from dbmigrate_cli.stack import aws_errors, open_stack

    try:
        with aws_errors(options):
            return open_stack(options, stack).runs(limit)
    except Misconfigured:
        if options.url is None:
            raise
        return []


def _merged(executions: list[dict[str, Any]], ledger: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry a run: the state machine also knows the runs that never reached the database."""
    known = {run["run"]: run for run in executions}
    for run in ledger:
        known[run["run"]] = {**known.get(run["run"], {}), **run}
    return sorted(known.values(), key=lambda run: str(run["started_at"]), reverse=True)


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    moved = run.get("revisions") or []
    span = moved[0] if len(moved) == 1 else f"{moved[0]} to {moved[-1]} ({len(moved)})" if moved else "-"
    return (
        run["run"],
        run["started_at"][:19].replace("T", " "),
        _took(run),
        run["outcome"] or {"pause": "paused", "stop": "stopping"}.get(run.get("wish") or "", "running"),
        span if run.get("direction") != "downgrade" else f"undid {span}",
        run.get("requested_by") or "-",
        run.get("approved_by") or "-",
    )


def _took(run: dict[str, Any]) -> str:
    if not run["ended_at"]:
        return "-"
    seconds = (
        datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"])
    ).total_seconds()
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
