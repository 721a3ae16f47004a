"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from dbmigrate_cli.bounds import MIB
from dbmigrate_cli.options import Options

Command = TypeVar("Command", bound=Callable[..., Any])

stack_option = click.option(
    "--stack",
    metavar="NAME",
    envvar="DB_MIGRATE_STACK",
    help="The environment's stack. Default: db-migrate-ENVIRONMENT. [DB_MIGRATE_STACK]",
)


def _bound(context: click.Context, parameter: click.Parameter, value: float) -> None:
    options = context.find_object(Options)
    if options is not None and parameter.name == "revision_timeout":
        options.bounds = replace(options.bounds, seconds=value)
    elif options is not None:
        options.bounds = replace(options.bounds, memory=int(value) * MIB)


def scratch_option(command: Command) -> Command:
    """Where a rehearsal takes place, and how far a revision may go in it (options.bounds)."""
    for option in reversed(_REHEARSAL):
        command = option(command)
    return command


_REHEARSAL = (
    click.option(
        "--scratch",
        metavar="URL",
        envvar="DB_MIGRATE_SCRATCH",
        help="An empty database to rehearse on. Default: one of our own. [DB_MIGRATE_SCRATCH]",
    ),
    click.option(
        "--revision-timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0, min_open=True),
        default=60.0,
        envvar="DB_MIGRATE_REVISION_TIMEOUT",
        expose_value=False,
        callback=_bound,
        help="Stop a revision that takes longer in the rehearsal. Default: 60. [DB_MIGRATE_REVISION_TIMEOUT]",
    ),
    click.option(
        "--revision-memory",
        metavar="MIB",
        type=click.IntRange(min=64),
        default=2048,
        envvar="DB_MIGRATE_REVISION_MEMORY",
        expose_value=False,
        callback=_bound,
        help="Stop a revision that takes more memory. Default: 2048. [DB_MIGRATE_REVISION_MEMORY]",
    ),
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
