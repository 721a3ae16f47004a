"""`db-migrate stop`: end a run at once, and say what state the database is in."""

from __future__ import annotations

from typing import Any

import click

from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.words import counted
from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import stack_option
from dbmigrate_cli.steered import steered
from dbmigrate_cli.working import unfinished_fields, way_on


@click.command("stop")
@click.argument("run")
@stack_option
@click.pass_obj
def command(options: Options, run: str, stack: str | None) -> None:
    """End RUN: its execution, its statements, its locks and its lease.

    Works when the application has used up every connection: the statements are then cancelled without one.
    What was committed stays, and the next deploy goes on there.
    """
    answer = steered(options, run, "stop", stack)
    if answer["outcome"] is None and not answer["sessions"] and answer["execution"] is None:
        raise BadRequest(f"{options.environment} has no run {run}.", f"{options.command} runs")
    options.output.result(environment=options.environment, next=next_of(options, answer), **answer)
    options.output.say(headline(answer), fg="green" if answer["stopped"] else None)
    options.output.fields(facts(answer))
    options.output.note(f"next: {next_of(options, answer)}")


def headline(answer: dict[str, Any]) -> str:
    """What the stop met."""
    run, sessions = answer["run"], answer["sessions"]
    if answer["stopped"]:
        ended = f"{counted(sessions, 'session')} of it ended" if sessions else "no session of it was there"
        return f"Run {run} is stopped: {ended}, and its lease is given back."
    if answer["outcome"] is None:
        return f"Run {run} is stopped: it had not begun to change the database."
    was = "had been stopped" if answer["outcome"] == "Stopped" else f"had ended as {answer['outcome']}"
    return f"Run {run} {was} before ({answer['ended_at']}): nothing was left to stop."


def facts(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """The state of the database."""
    found = [
        ("current", answer["current"]),
        ("moved", ", ".join(answer["applied"]) + " (stays)" if answer["applied"] else "no revision"),
    ]
    found += unfinished_fields(answer["unfinished"])
    found += [("invalid", "\n".join(answer["invalid_indexes"]))] if answer["invalid_indexes"] else []
    return found + ([("held by", f"run {answer['held_by']}")] if answer["held_by"] else [])


def next_of(options: Options, answer: dict[str, Any]) -> str:
    """How it goes on."""
    if answer["held_by"]:
        return f"{options.command} status"
    if answer["unfinished"]:
        return way_on(options, answer["unfinished"], answer["current"])
    if not answer["applied"]:
        return f"{options.command} deploy begins again"
    undo = "rollback" if options.environment == "development" else f"rollback --run {answer['run']}"
    return f"{options.command} deploy goes on after {answer['applied'][-1]}; {options.command} {undo} undoes"
