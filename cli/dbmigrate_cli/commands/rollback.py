"""`db-migrate rollback`: undo revisions in development, a whole run elsewhere."""

from __future__ import annotations

import click

from dbmigrate.adapters.history import History
from dbmigrate.domain.standing import label
from dbmigrate.service.deploy_directly import roll_back_directly
from dbmigrate_cli.announced import Stopwatch, announced, summary
from dbmigrate_cli.context import database_of, history_of, new_run, who_asks
from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import local_option, requested_by_option, stack_option


@click.command("rollback")
@click.option(
    "--steps", type=click.IntRange(min=1), metavar="N", help="Development: how many revisions. Default: 1."
)
@click.option("--to", metavar="REV", help='Development: undo all above this revision, or "base".')
@click.option("--run", "undone", metavar="RUN", help="Staging, production: the run to undo.")
@local_option
@requested_by_option
@stack_option
@click.pass_obj
def command(
    options: Options,
    steps: int | None,
    to: str | None,
    undone: str | None,
    local: bool,
    requested_by: str | None,
    stack: str | None,
) -> None:
    """Undo the newest revision, or several.

    In staging and production a run is undone by a run: the same state machine takes its revisions
    back, with the same backup and approval.
    """
    if options.environment == "development":
        if undone or local:
            raise click.UsageError(
                "--run and --local are for staging and production; here: --steps N or --to REV."
            )
        roll_back_here(options, steps, to, requested_by)
        return
    if undone is None or steps is not None or to is not None:
        raise click.UsageError(
            f"{options.environment} undoes whole runs: --run RUN. List them: {options.command} runs"
        )
    from dbmigrate_cli.deploy_there import roll_back_there

    roll_back_there(options, undone, who_asks(options, requested_by), stack, local)


def roll_back_here(options: Options, steps: int | None, to: str | None, requested_by: str | None) -> None:
    """Downgrade the development database."""
    if steps is not None and to is not None:
        raise click.UsageError("--steps and --to exclude each other.")
    history, watch, run = history_of(options), Stopwatch(), new_run(options)
    database = database_of(options, announced(options.output))
    revisions = chosen(history, database.current(), steps or 1, to)
    facts = {"environment": options.environment}
    if not revisions:
        options.output.say("Nothing to undo.", fg="green")
        options.output.result(**summary("", "NothingPending", [], watch, **facts))
        return
    roll_back_directly(run, history, database, revisions, who_asks(options, requested_by))
    current = label(database.current())
    options.output.say(f"Done: the database is at {current}. ({watch.seconds:.1f} s)", fg="green")
    options.output.result(**summary(run, "Succeeded", revisions, watch, current=current, **facts))


def chosen(history: History, current: tuple[str, ...], steps: int, to: str | None) -> list[str]:
    """The revisions to undo, newest first."""
    applied = history.applied(current)
    newest_first = [revision for revision in reversed(history.order) if revision in applied]
    if to is None:
        return newest_first[:steps]
    if to != "base" and to not in applied:
        known = "is not applied" if to in history.revisions else f"is not in {history.folder.name}"
        raise click.BadParameter(
            f"revision '{to}' {known}; the database is at {label(current)}.", param_hint="--to"
        )
    kept = set() if to == "base" else history.applied([to])
    return [revision for revision in newest_first if revision not in kept]
