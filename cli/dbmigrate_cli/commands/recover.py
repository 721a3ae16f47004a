"""`db-migrate recover`: take a whole database back to a moment or a snapshot."""

from __future__ import annotations

import click

from dbmigrate.domain.errors import BadRequest, RecoveryRefused
from dbmigrate_cli.context import who_asks
from dbmigrate_cli.options import Options
from dbmigrate_cli.recovering import recover_there
from dbmigrate_cli.recovery_state import list_there
from dbmigrate_cli.shared_options import requested_by_option, stack_option

CHOICES = {
    "to_time": "--to-time",
    "to_snapshot": "--to-snapshot",
    "before_run": "--before-run",
    "resume": "--resume",
    "abandon": "--abandon",
    "listed": "--list",
}


@click.command("recover")
@click.option("--before-run", metavar="RUN", help="To just before this run began to change the database.")
@click.option("--to-time", metavar="TIME", help='To this moment: 2026-01-31T12:00:00Z, or "latest".')
@click.option("--to-snapshot", metavar="ID", help="To this snapshot.")
@click.option("--resume", metavar="RECOVERY", help="Go on with a recovery that was cut.")
@click.option("--abandon", metavar="RECOVERY", help="Give up one that has not swapped yet; all is as before.")
@click.option("--list", "listed", is_flag=True, help="Show the newest recovery and where it is.")
@click.option("--reason", metavar="TEXT", default="", help="What happened; approvers and everyone read it.")
@click.option("--yes", is_flag=True, help="Do not ask before the application is shut out.")
@requested_by_option
@stack_option
@click.pass_obj
def command(
    options: Options, /, yes: bool, requested_by: str | None, stack: str | None, **given: str
) -> None:
    """Take the whole database back, and keep the one that is there.

    The application is shut out first. A copy is restored beside the old instance, proved, compared with it
    row by row, and shown to an approver; then the two change names and the application may come in again.
    Until the names change, everything can be put back as it was.
    """
    chosen = [option for key, option in CHOICES.items() if given.get(key)]
    if len(chosen) != 1:
        raise click.UsageError(f"Say to when, with one of: {', '.join(CHOICES.values())}.")
    if options.environment == "development":
        raise RecoveryRefused(
            "Development has no backups, so there is nothing to go back to.", "db-migrate reset"
        )
    if given["listed"]:
        list_there(options, stack)
        return
    if not (yes or given["abandon"] or given["resume"]):
        confirm(options)
    who = who_asks(options, requested_by)
    recover_there(options, {key: value for key, value in given.items() if value}, who, stack)


def confirm(options: Options) -> None:
    """The application goes down within seconds, so a person says which one. Raises BadRequest."""
    options.output.complain(
        f"This shuts the application of {options.environment} out of its database, at once and until the "
        "recovery has ended."
    )
    try:
        typed = click.prompt("Type the environment's name to go on", default="", show_default=False, err=True)
    except click.Abort:
        typed = ""
    if typed.strip() != options.environment:
        raise BadRequest(
            "Nothing was started: the environment's name was not typed.",
            "the same command again; without a terminal, with --yes",
        )
