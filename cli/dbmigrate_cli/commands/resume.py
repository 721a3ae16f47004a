"""`db-migrate resume`: let a paused run go on."""

from __future__ import annotations

import click

from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import stack_option
from dbmigrate_cli.steered import steered


@click.command("resume")
@click.argument("run")
@stack_option
@click.pass_obj
def command(options: Options, run: str, stack: str | None) -> None:
    """Let RUN go on after a pause."""
    answer = steered(options, run, "resume", stack)
    options.output.result(environment=options.environment, **answer)
    options.output.say(f"Run {run} goes on.")
    options.output.note(f"next: {options.command} status")
