"""Options that several commands have."""

from __future__ import annotations

import click

stack_option = click.option(
    "--stack",
    metavar="NAME",
    envvar="DB_MIGRATE_STACK",
    help="The environment's stack. Default: db-migrate-ENVIRONMENT. [DB_MIGRATE_STACK]",
)
scratch_option = click.option(
    "--scratch",
    metavar="URL",
    envvar="DB_MIGRATE_SCRATCH",
    help="An empty database to rehearse on. Default: one of our own. [DB_MIGRATE_SCRATCH]",
)
requested_by_option = click.option(
    "--requested-by",
    metavar="WHO",
    envvar="DB_MIGRATE_REQUESTED_BY",
    help="Who asks for the run. Default: git's user.email. [DB_MIGRATE_REQUESTED_BY]",
)
local_option = click.option(
    "--local",
    is_flag=True,
    help="Run the environment's policy on this machine, without AWS; waits pass at once.",
)
standing_here_option = click.option(
    "--local", is_flag=True, help="Look at the database of this machine's stand-in (deploy --local)."
)
real_time_option = click.option(
    "--real-time", is_flag=True, help="With --local: let waits take as long as they do on AWS."
)
