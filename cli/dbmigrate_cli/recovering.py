"""Recoveries of an environment: started on its stack, followed to the end, told with their figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from dbmigrate.domain.errors import BadRequest, Misconfigured
from dbmigrate.domain.recovery import FOUND
from dbmigrate.domain.recovery_notice import left_to_do
from dbmigrate.domain.recovery_times import PARTS, parts_of, total_of
from dbmigrate_cli.failures import INTERRUPTED, RunEnded
from dbmigrate_cli.follow import Follower
from dbmigrate_cli.options import Options
from dbmigrate_cli.outcomes import Ending
from dbmigrate_cli.recovery_story import WORDS, RecoveryStory
from dbmigrate_cli.stack import Stack, aws_errors, open_stack


def recover_there(options: Options, given: Mapping[str, str], requested_by: str, name: str | None) -> None:
    """Start what is asked for and follow it. Raises RunEnded unless it ended as asked."""
    with aws_errors(options):
        stack = open_stack(options, name)
        started = start(stack, request_of(stack, given, requested_by))
        options.output.say(f"Started {started.rsplit(':', 1)[-1]}.")
        follow(options, stack, started, requested_by, 2.0)


def request_of(stack: Stack, given: Mapping[str, str], requested_by: str) -> dict[str, Any]:
    """The execution's input. A run becomes the moment at which the ledger says that it began: the server's
    own clock wrote it, as it writes the times of commits. Raises BadRequest for one that is unknown there."""
    for wish in ("resume", "abandon"):
        if wish in given:
            return {wish: given[wish], "requested_by": requested_by}
    request: dict[str, Any] = {"requested_by": requested_by, "reason": given.get("reason", "")}
    if "to_snapshot" in given:
        return {**request, "snapshot": given["to_snapshot"]}
    if "to_time" in given:
        return {**request, "time": given["to_time"]}
    return {**request, "time": began(stack, given["before_run"]), "before_run": given["before_run"]}


def began(stack: Stack, run: str) -> str:
    """The moment just before a run changed anything, ISO 8601. Raises BadRequest."""
    command = f"db-migrate --environment {stack.environment}"
    for known in stack.ledger():
        if known["run"] == run:
            return str(known.get("restore_point") or known["started_at"])
    raise BadRequest(
        f"The ledger of {stack.environment} has no run {run}.",
        f"{command} runs; if the database does not answer: {command} recover --to-time TIME",
    )


def start(stack: Stack, request: dict[str, Any]) -> str:
    """Start an execution of the recovery machine; returns its ARN."""
    started = stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.output("RecoveryStateMachineArn"),
        name=f"{stack.environment}-recovery-{datetime.now(UTC):%Y%m%d-%H%M%S}",
        input=json.dumps(request),
    )
    return str(started["executionArn"])


def follow(options: Options, stack: Stack, arn: str, requested_by: str, interval: float) -> None:
    """Tell a recovery to its end, and end the command as it ended. Raises RunEnded."""
    execution = arn.rsplit(":", 1)[-1]
    story = RecoveryStory(stack.audience(requested_by))
    follower = Follower(
        options.output, stack.client("stepfunctions"), arn, story, resume(stack, execution), interval
    )
    try:
        ending = follower.to_the_end()
    except KeyboardInterrupt:
        options.output.complain(
            f"\nStopped following; the recovery goes on. See it: {options.command} recover --list"
        )
        click.get_current_context().exit(INTERRUPTED)
    except (BotoCoreError, ClientError) as error:
        raise Misconfigured(
            f"{execution} goes on, but it cannot be followed any more: {error}",
            f"renew the credentials, then: {options.command} recover --list",
        ) from error
    conclude(options, stack, arn, ending, story)


def resume(stack: Stack, execution: str) -> str:
    """What goes on with a recovery whose execution was ended."""
    return f"db-migrate --environment {stack.environment} recover --resume {execution}"


def conclude(options: Options, stack: Stack, arn: str, ending: Ending, story: RecoveryStory) -> None:
    """The summary. Raises RunEnded unless the recovery ended as asked."""
    result = result_of(stack, arn)
    facts = summary(result, story)
    options.output.result(environment=options.environment, outcome=ending.outcome, **facts)
    if ending.exit_code and not (ending.outcome == "RecoveryAbandoned" and result["asked"].get("abandon")):
        raise RunEnded(ending.outcome, ending.said, ending.command, ending.exit_code)
    options.output.say()
    options.output.fields([("outcome", ending.outcome), *told(facts)])
    if ending.outcome == "Recovered":
        options.output.note(left_to_do(result["plan"], result["swap"]))


def result_of(stack: Stack, arn: str) -> dict[str, Any]:
    """What an execution gave out, beside what it was ``asked``."""
    described = stack.client("stepfunctions").describe_execution(executionArn=arn)
    output = json.loads(described.get("output") or "{}")
    return {**output, "asked": json.loads(described.get("input") or "{}")}


def summary(result: Mapping[str, Any], story: RecoveryStory) -> dict[str, Any]:
    """What a program gets: seconds of each part of the RTO, and what the comparison counted."""
    times = result.get("times") or {}
    plan = result.get("plan") or story.plan
    return {
        "recovery": result.get("recovery") or plan.get("recovery"),
        "database": plan.get("database"),
        "kept": plan.get("kept"),
        "to": plan.get("time") or plan.get("snapshot"),
        "approved_by": story.approved_by,
        "rows": {word: story.found.get(word) for word in FOUND} if story.found else {},
        "rto_seconds": total_of(times),
        "rto_parts": parts_of(times),
    }


def told(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The summary as lines."""
    yield "recovery", str(facts["recovery"])
    yield "database", f"{facts['database']} is as of {facts['to']}"
    if facts["rows"]:
        yield "rows", ", ".join(f"{count} {WORDS[word]}" for word, count in facts["rows"].items())
    if facts["rto_parts"]:
        parts = [f"{seconds:8.1f} s  {PARTS[part]}" for part, seconds in facts["rto_parts"].items()]
        yield "RTO", "\n".join([f"{facts['rto_seconds']:8.1f} s", *parts])
    yield "approved by", facts["approved_by"] or "nobody was asked"
    yield "kept", f"{facts['kept']}, fenced, with what it had"
