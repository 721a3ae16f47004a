"""`db-migrate drill`: restore a backup beside the database, prove it, upgrade it, and delete it again."""

from __future__ import annotations

import click

from dbmigrate.domain.errors import DrillRefused
from dbmigrate_cli.context import who_asks
from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import (
    local_option,
    real_time_option,
    requested_by_option,
    scratch_option,
    stack_option,
)


@click.command("drill")
@click.option("--snapshot", metavar="ID", help="Restore this snapshot. Default: the newest of ours.")
@click.option("--latest", is_flag=True, help="Restore the newest moment that RDS can restore.")
@click.option(
    "--bundle", is_flag=True, help="Rehearse the revisions of this checkout. Default: what was deployed last."
)
@click.option("--discard", metavar="DRILL", help="Delete the copy that a drill has left behind.")
@local_option
@real_time_option
@requested_by_option
@stack_option
@scratch_option
@click.pass_obj
def command(
    options: Options,
    snapshot: str | None,
    latest: bool,
    bundle: bool,
    discard: str | None,
    local: bool,
    real_time: bool,
    requested_by: str | None,
    stack: str | None,
    scratch: str | None,
) -> None:
    """Prove that a backup can be restored, and measure how long that takes.

    A throwaway instance is restored, every row of it is read, what is pending is applied to it, and it is
    deleted. The database itself is not touched. What the revisions took there stands on the approval page.
    """
    if sum(map(bool, (snapshot, latest, discard))) > 1:
        raise click.UsageError("--snapshot, --latest and --discard exclude each other.")
    if options.environment == "development":
        raise DrillRefused(
            "Development has no backups that could be restored.",
            "db-migrate --environment staging drill, or on this machine: … drill --local",
        )
    from dbmigrate_cli.drilling import Wish, drill_there

    wish = Wish(snapshot, latest, bundle, discard, who_asks(options, requested_by), scratch)
    drill_there(options, wish, stack, local, real_time)
