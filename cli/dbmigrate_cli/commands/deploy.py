"""`db-migrate deploy`: straight to the database in development, by the state machine elsewhere."""

from __future__ import annotations

import click

from dbmigrate.domain.errors import Misconfigured
from dbmigrate.service.deploy_directly import deploy_directly
from dbmigrate_cli.announced import Stopwatch, announced, summary
from dbmigrate_cli.context import database_of, history_of, new_run, who_asks
from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import (
    local_option,
    real_time_option,
    requested_by_option,
    scratch_option,
    stack_option,
)
from dbmigrate_cli.smoke_here import ask_smoke_queries


@click.command("deploy")
@click.option("--force", is_flag=True, help="Skip the approval, where the policy allows it.")
@click.option("--reason", metavar="TEXT", help="Why it cannot wait; announced to everyone.")
@click.option(
    "--terminate-blockers",
    is_flag=True,
    help="End sessions that hold up a revision; the approver is told so.",
)
@local_option
@real_time_option
@requested_by_option
@stack_option
@scratch_option
@click.option("--yes", is_flag=True, help="Do not ask before a forced run.")
@click.pass_obj
def command(
    options: Options,
    force: bool,
    reason: str | None,
    terminate_blockers: bool,
    local: bool,
    real_time: bool,
    requested_by: str | None,
    stack: str | None,
    scratch: str | None,
    yes: bool,
) -> None:
    """Apply what is pending.

    In development at once. In staging and production the revisions are rehearsed, bundled, and run by the
    state machine: validated, backed up, approved, applied, verified. Starting the same thing twice joins the
    first.
    """
    if options.environment == "development" and not local:
        refuse_to_end_unseen(options, terminate_blockers)
        deploy_here(options, reason, requested_by)
        return
    from dbmigrate_cli.cautions import Request
    from dbmigrate_cli.deploy_there import deploy_there

    deploy_there(
        options,
        Request(force, reason, who_asks(options, requested_by), scratch, yes, terminate_blockers),
        stack,
        local,
        real_time,
    )


def refuse_to_end_unseen(options: Options, terminate_blockers: bool) -> None:
    """Nothing foretells the locks of revisions that were not rehearsed. Raises Misconfigured."""
    if terminate_blockers:
        raise Misconfigured(
            "--terminate-blockers needs the rehearsal of a state machine's run, to know who holds it up.",
            f"{options.command} deploy, which names the session when a lock is not free; or add --local",
        )


def deploy_here(options: Options, reason: str | None, requested_by: str | None) -> None:
    """Apply everything to the development database, with nobody to ask."""
    history, watch, run = history_of(options), Stopwatch(), new_run(options)
    database = database_of(options, announced(options.output))
    done = deploy_directly(run, history, database, who_asks(options, requested_by), reason)
    if done:
        ask_smoke_queries(options, history, database)
    outcome = "Succeeded" if done else "NothingPending"
    if done:
        options.output.say(f"Done: the database is at {history.head}. ({watch.seconds:.1f} s)", fg="green")
    else:
        options.output.say(f"Nothing to do: the database is at {history.head}.", fg="green")
    facts = {"environment": options.environment, "current": history.head}
    options.output.result(**summary(run if done else "", outcome, done, watch, **facts))
