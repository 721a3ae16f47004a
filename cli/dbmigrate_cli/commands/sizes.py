"""`db-migrate sizes`: the stats file, by which another machine judges revisions."""

from __future__ import annotations

from dataclasses import replace

import click

from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.stats import Stats
from dbmigrate_cli.context import database_of, look_here
from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import stack_option, standing_here_option
from dbmigrate_cli.stats import calibrated, stats_of_stack


@click.command("sizes")
@stack_option
@standing_here_option
@click.option(
    "--calibrate",
    is_flag=True,
    help="Also try how fast the server is, for some ten seconds on two tables of our own. Not in production.",
)
@click.pass_obj
def command(options: Options, stack: str | None, local: bool, calibrate: bool) -> None:
    """Print the tables' sizes as JSON, for validate --stats: db-migrate sizes > stats.json"""
    options.format = "json"  # the output is a file
    look_here(options, local)
    if calibrate and (options.environment == "production" or not options.direct):
        raise BadRequest(
            "A calibration works on the server for some ten seconds and needs its address.",
            "use staging, if it has the same hardware: "
            "db-migrate --environment staging --database URL sizes --calibrate",
        )
    found = _direct(options, calibrate) if options.direct else stats_of_stack(options, stack)
    options.output.result(**found.to_json())


def _direct(options: Options, calibrate: bool) -> Stats:
    database = database_of(options)
    found = database.stats()
    return replace(found, model=calibrated(options, database)) if calibrate else found
