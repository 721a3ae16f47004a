"""`db-migrate rollback`: undo revisions in development, runs elsewhere, or write what undoes them
everywhere."""

from __future__ import annotations

import click

from dbmigrate.adapters.history import History
from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.standing import label
from dbmigrate.service.deploy_directly import roll_back_directly
from dbmigrate_cli.announced import Stopwatch, announced, summary
from dbmigrate_cli.context import database_of, history_of, look_here, new_run, who_asks
from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import local_option, requested_by_option, scratch_option, stack_option
from dbmigrate_cli.smoke_here import ask_smoke_queries


@click.command("rollback")
@click.option(
    "--steps", type=click.IntRange(min=1), metavar="N", help="Development: how many revisions. Default: 1."
)
@click.option("--to", metavar="REV", help='Undo all above this revision, or "base"; several runs if need be.')
@click.option("--run", "undone", metavar="RUN", help="Staging, production: the run to undo.")
@click.option(
    "--write",
    is_flag=True,
    help="Write the rollback revision instead: rehearsed, and deployed like every other, everywhere.",
)
@click.option("--reason", metavar="TEXT", help="With --write: why, for the revision's docstring.")
@click.option("--accept-loss", is_flag=True, help="Staging, production: go back although data is lost by it.")
@local_option
@requested_by_option
@stack_option
@scratch_option
@click.pass_obj
def command(
    options: Options,
    steps: int | None,
    to: str | None,
    undone: str | None,
    write: bool,
    reason: str | None,
    accept_loss: bool,
    local: bool,
    requested_by: str | None,
    stack: str | None,
    scratch: str | None,
) -> None:
    """Undo the newest revision, or several.

    In staging and production a run is undone by a run: the same state machine takes its revisions
    back, with the same backup and approval. Without --run or --to, name the change that is to blame.
    """
    refuse_contradictions(options, steps, to, undone, write, reason, accept_loss, local)
    if write:
        write_it(options, steps, to, undone, reason, stack, local, scratch)
    elif options.environment == "development":
        roll_back_here(options, steps, to, requested_by)
    elif undone is None and to is None:
        from dbmigrate_cli.suspicion import name_the_suspect

        name_the_suspect(options, stack, local)
    else:
        from dbmigrate_cli.undo_there import Undo, undo_there

        undo = Undo(undone, to, accept_loss)
        undo_there(options, undo, who_asks(options, requested_by), stack, local)


def refuse_contradictions(
    options: Options,
    steps: int | None,
    to: str | None,
    undone: str | None,
    write: bool,
    reason: str | None,
    accept_loss: bool,
    local: bool,
) -> None:
    """Raise click.UsageError for options that do not go together."""
    if sum(given is not None for given in (steps, to, undone)) > 1:
        raise click.UsageError("--steps, --to and --run exclude each other.")
    if write and accept_loss or reason and not write:
        raise click.UsageError("--reason goes with --write, and --accept-loss without it.")
    if options.environment == "development":
        if undone or local or accept_loss:
            raise click.UsageError(
                "--run, --accept-loss and --local are for staging and production; "
                "here: --steps N or --to REV."
            )
    elif steps is not None and not write:
        raise click.UsageError(
            f"{options.environment} undoes whole runs, --run RUN, or all above a revision, --to REV. "
            f"List them: {options.command} runs"
        )


def write_it(
    options: Options,
    steps: int | None,
    to: str | None,
    undone: str | None,
    reason: str | None,
    stack: str | None,
    local: bool,
    scratch: str | None,
) -> None:
    """Write the revision that undoes a run's revisions, those above one, or the newest ones."""
    from dbmigrate_cli.rollback_revision import above, write_rollback

    history = history_of(options)
    if undone is not None:
        revisions = revisions_of(options, history, undone, stack, local)
    elif to is not None:
        revisions = above(history, to)
    else:
        revisions = list(reversed(history.order))[: steps or 1]
    write_rollback(options, revisions, reason, scratch)


def revisions_of(options: Options, history: History, run: str, stack: str | None, local: bool) -> list[str]:
    """What a run applied and still stands, newest first. Raises BadRequest."""
    from dbmigrate.domain.suspects import suspects
    from dbmigrate_cli.stack import aws_errors, open_stack

    look_here(options, local)
    with aws_errors(options):
        direct = options.direct
        runs = database_of(options, join=True).runs() if direct else open_stack(options, stack).ledger()
    found = next((known.revisions for known in suspects(runs, ()) if known.name == run), ())
    if not found or not {*found} <= {*history.revisions}:
        raise BadRequest(
            f"Run {run} left nothing standing that {options.migrations} knows.",
            f"{options.command} runs{options.flag}",
        )
    return [revision for revision in reversed(history.order) if revision in found]


def roll_back_here(options: Options, steps: int | None, to: str | None, requested_by: str | None) -> None:
    """Downgrade the development database."""
    history, watch, run = history_of(options), Stopwatch(), new_run(options)
    database = database_of(options, announced(options.output))
    revisions = chosen(history, database.current(), steps or 1, to)
    facts = {"environment": options.environment}
    if not revisions:
        options.output.say("Nothing to undo.", fg="green")
        options.output.result(**summary("", "NothingPending", [], watch, **facts))
        return
    roll_back_directly(run, history, database, revisions, who_asks(options, requested_by))
    ask_smoke_queries(options, history, database)
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
