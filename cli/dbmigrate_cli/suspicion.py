"""Names the change that is to blame, and which command undoes which run."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from dbmigrate.adapters.alarms import CloudWatchAlarms
from dbmigrate.adapters.history import History
from dbmigrate.domain.errors import AlarmRaised, DbMigrateError, Misconfigured
from dbmigrate.domain.standing import label
from dbmigrate.domain.suspects import Raised, Suspect, prime_suspect, suspects
from dbmigrate.domain.words import first_line, moment
from dbmigrate_cli.context import database_of, history_of, look_here
from dbmigrate_cli.failures import RunEnded
from dbmigrate_cli.options import Options
from dbmigrate_cli.outcomes import NEEDS_PERSON
from dbmigrate_cli.stack import Stack, aws_errors, open_stack

MOST = 5
MOST_CHANGES = 12


def name_the_suspect(options: Options, name: str | None, local: bool) -> None:
    """Show the latest runs that stand. Raises AlarmRaised or RunEnded with the command that undoes the one
    that is to blame, Misconfigured when none is."""
    look_here(options, local)
    stack = None if options.direct else open_stack(options, name)
    with aws_errors(options):
        found = suspects(*_facts(options, stack))
        plans = [_plan(stack, suspect) for suspect in found[:MOST]]
    history = _history(options)
    commands = [_commands(options, found[: place + 1], history) for place in range(len(found[:MOST]))]
    for suspect, plan, command in zip(found, plans, commands, strict=False):
        _show(options, suspect, plan, command, history)
    told = [{**suspect.to_json(), "undo": command} for suspect, command in zip(found, commands, strict=False)]
    options.output.result(environment=options.environment, runs=told)
    prime = prime_suspect(found[:MOST])
    if prime is None:
        raise _nobody(options, bool(found))
    raise _blamed(prime, commands[found.index(prime)][0])


def _facts(options: Options, stack: Stack | None) -> tuple[list[dict[str, Any]], list[Raised]]:
    """The ledger's runs, and what went off since the oldest that is shown; a database alone knows of none."""
    if stack is None:
        return database_of(options, join=True).runs(), []
    names = [
        each.strip() for each in stack.parameters.get("ApplicationAlarms", "").split(",") if each.strip()
    ]
    runs = stack.ledger()
    shown = suspects(runs, ())[:MOST]
    return runs, _raised(options, stack, names, min((each.began for each in shown), default=time.time()))


def _raised(options: Options, stack: Stack, names: Sequence[str], since: float) -> list[Raised]:
    """Alarms that are on, and those that came and went."""
    alarms = CloudWatchAlarms(stack.client("cloudwatch"))
    on = {
        alarm.name: Raised(alarm.name, alarm.since.timestamp(), alarm.reason)
        for alarm in alarms.named(names)
        if alarm.state == "ALARM"
    }
    try:
        episodes = alarms.episodes(names, datetime.fromtimestamp(since, UTC))
    except ClientError as error:
        said = error.response["Error"].get("Message") or error.response["Error"]["Code"]
        options.output.note(f"CloudWatch tells of no alarm that came and went: {said}.")
        episodes = []
    over = [
        Raised(each.name, each.since.timestamp(), each.reason, each.until.timestamp())
        for each in episodes
        if each.until is not None
    ]
    return [*over, *on.values()]


def _plan(stack: Stack | None, suspect: Suspect) -> dict[str, Any]:
    """The plan as its approvers read it; empty where it cannot be read."""
    digest = str(suspect.run.get("plan") or "")
    if stack is None or not digest.startswith("sha256:"):
        return {}
    where = {"Bucket": stack.output("BundleBucketName"), "Key": f"plans/{digest[7:]}.json"}
    with contextlib.suppress(ClientError, ValueError):
        return dict(json.loads(stack.client("s3").get_object(**where)["Body"].read()))
    return {}


def _history(options: Options) -> History | None:
    """Whoever is called at night may have no checkout at hand."""
    try:
        return history_of(options)
    except DbMigrateError as error:
        options.output.note(f"{error.message} Going on without the revisions' files.")
        return None


def _commands(options: Options, found: Sequence[Suspect], history: History | None) -> list[str]:
    """What undoes the last of these, which stands below the others: here, everywhere, by a restore."""
    suspect = found[-1]
    below = _below(suspect, history)
    here = f"{options.command} rollback --run {suspect.name}" if len(found) == 1 else ""
    if len(found) > 1 and below:
        here = f"{options.command} rollback --to {below}"
    every = f"db-migrate rollback --write --to {below}" if below else ""
    restore = f"{options.command} recover --before-run {suspect.name}"
    return [command + options.flag * (command == here) for command in (here, every, restore) if command]


def _below(suspect: Suspect, history: History | None) -> str:
    """Where the database stood before the run; "" where nobody knows."""
    if history is None or suspect.revisions[0] not in history.revisions:
        return ""
    return label(history.revisions[suspect.revisions[0]].down)


def _show(
    options: Options, suspect: Suspect, plan: dict[str, Any], commands: Sequence[str], history: History | None
) -> None:
    known = history.revisions if history else {}
    lines = [
        f"{revision}  {first_line(known[revision].doc) if revision in known else ''}".rstrip()
        for revision in suspect.revisions
    ]
    changes = [line for step in plan.get("steps", ()) for line in step.get("changes", ())]
    shown = [
        *changes[:MOST_CHANGES],
        *([f"and {len(changes) - MOST_CHANGES} more"] * (len(changes) > MOST_CHANGES)),
    ]
    alarms = [f"{alarm.name} {_when(alarm)}: {alarm.reason}" for alarm in suspect.alarms]
    run = suspect.run
    began = run["started_at"][:19].replace("T", " ")
    facts = [
        ("run", suspect.name),
        ("began", f"{began}, {run['outcome'] or 'running'}, for {run['requested_by']}"),
        ("revisions", "\n".join(lines)),
        ("changes", "\n".join(shown)),
        ("failure", first_line(run.get("detail") or "") if suspect.broke else ""),
        ("alarms since", "\n".join(alarms) or "none"),
        ("undo it by", "\n".join(commands)),
    ]
    options.output.fields([(name, value) for name, value in facts if value])
    options.output.say()


def _when(alarm: Raised) -> str:
    if alarm.until is None:
        return f"since {moment(alarm.since)}"
    return f"from {moment(alarm.since)} to {moment(alarm.until)}"


def _blamed(suspect: Suspect, command: str) -> DbMigrateError:
    revisions = ", ".join(suspect.revisions)
    if suspect.alarms:
        names = ", ".join(dict.fromkeys(alarm.name for alarm in suspect.alarms))
        message = f"After run {suspect.name} ({revisions}) began, and before any other, {names} went off."
        return AlarmRaised(message, command)
    message = f"Run {suspect.name} ({revisions}) ended as {suspect.run['outcome']}, and what it did stands."
    return RunEnded(str(suspect.run["outcome"]), message, command, NEEDS_PERSON)


def _nobody(options: Options, any_run: bool) -> Misconfigured:
    if not any_run:
        return Misconfigured(
            f"No run of {options.environment} left anything to undo.", f"{options.command} status"
        )
    return Misconfigured(
        "No alarm of the application went off and no run broke, so nothing names the change to undo.",
        f"name it: {options.command} rollback --run RUN, or --to REV{options.flag}",
    )
