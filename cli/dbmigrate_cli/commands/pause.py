"""`db-migrate pause`: let a run rest between two batches or steps."""

from __future__ import annotations

import click

from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import stack_option
from dbmigrate_cli.steered import steered


@click.command("pause")
@click.argument("run")
@stack_option
@click.pass_obj
def command(options: Options, run: str, stack: str | None) -> None:
    """Let RUN rest: it stops between two batches or steps, keeps what is done, and holds no lock meanwhile.

    Its lease stays. A statement that cannot be cut, such as an index build, is finished first.
    """
    answer = steered(options, run, "pause", stack)
    options.output.result(environment=options.environment, **answer)
    options.output.say(f"Run {run} will pause after the batch or step that it is at.")
    options.output.note(f"next: {options.command} resume {run}, or: {options.command} stop {run}")
