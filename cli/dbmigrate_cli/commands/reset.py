"""`db-migrate reset`: development begins anew."""

from __future__ import annotations

import sys

import click

from dbmigrate.domain.errors import BadRequest
from dbmigrate.service.deploy_directly import reset
from dbmigrate_cli.announced import Stopwatch, announced, summary
from dbmigrate_cli.context import database_of, history_of, new_run, who_asks
from dbmigrate_cli.options import Options
from dbmigrate_cli.policies import policy_for_reset


@click.command("reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(options: Options, yes: bool) -> None:
    """Empty the development database, all its rows included, and apply the whole history."""
    policy = policy_for_reset(options.environment)
    history, watch, run = history_of(options), Stopwatch(), new_run(options)
    database = database_of(options, announced(options.output))
    if not yes:
        confirm(f"Drop everything in {database.target.place}?", f"{options.command} reset --yes")
    done = reset(run, history, database, policy, who_asks(options, None))
    options.output.say(f"Done: emptied, and now at {history.head}. ({watch.seconds:.1f} s)", fg="green")
    facts = {"environment": options.environment, "current": history.head}
    options.output.result(**summary(run, "Succeeded", done, watch, **facts))


def confirm(question: str, without: str) -> None:
    """Ask a person. Raises BadRequest when the answer is no or nobody can answer."""
    if not sys.stdin.isatty():
        raise BadRequest(f"{question} Nobody can answer here.", without)
    if not click.confirm(question, err=True):
        raise BadRequest("Nothing was changed.", without)
