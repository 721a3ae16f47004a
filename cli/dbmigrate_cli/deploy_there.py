"""Deploys through an environment's state machine: on AWS, or on the local stand-in."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.errors import BadRequest, Misconfigured
from dbmigrate_cli.announced import Stopwatch, summary
from dbmigrate_cli.cautions import Request, note_other_major, refuse_closed_glass, refuse_hopeless_force
from dbmigrate_cli.context import history_of
from dbmigrate_cli.evidence import evidence_for_bundle
from dbmigrate_cli.failures import INTERRUPTED, RunEnded
from dbmigrate_cli.follow import Follower
from dbmigrate_cli.options import Options
from dbmigrate_cli.outcomes import Ending
from dbmigrate_cli.stack import Stack, Started, aws_errors, open_stack
from dbmigrate_cli.story import Story

if TYPE_CHECKING:
    from dbmigrate_cli.local import LocalStack

PLAIN_COMMAND = re.compile(
    r"db-migrate --environment \w+ (status|check|runs|deploy|rollback|recover)"
    r"( --(run|to|before-run) \S+)?( --accept-loss)?"
)


def deploy_there(
    options: Options, request: Request, name: str | None, local: bool, real_time: bool = False
) -> None:
    """Rehearse, bundle, upload, start or join, follow to the end. Raises RunEnded unless it succeeded."""
    options.local = local
    refuse_hopeless_force(options, request)
    history = history_of(options)
    _ = history.head
    with reached(options, name, local, real_time) as stack:
        refuse_closed_glass(options, stack, request)
        evidence = evidence_for_bundle(options, history, request.scratch)
        note_other_major(options, stack, evidence)
        content = pack(history.files(), evidence)
        digest = digest_of(content)
        news = stack.upload(content)
        options.output.say(f"Bundle {digest[:19]}… {'uploaded' if news else 'is already there'}.")
        wanted: dict[str, Any] = {"bundle": digest, "requested_by": request.requested_by}
        if request.force:
            wanted["force"] = True
        if request.terminate_blockers:
            wanted["terminate_blockers"] = True
        if request.reason:
            wanted["reason"] = request.reason
        started = stack.start(f"{options.environment}-{digest[7:19]}", wanted)
        follow(options, stack, started, request.requested_by)


def follow_there(options: Options, run: str, name: str | None) -> None:
    """Follow a run that somebody else started."""
    with reached(options, name, False, False) as stack:
        described = stack.describe(run)
        if described is None:
            raise BadRequest(f"{options.environment} has no run {run}.", f"{options.command} runs")
        requested_by = json.loads(described["input"]).get("requested_by", "")
        follow(options, stack, Started(described["executionArn"], run, True), requested_by)


def follow(options: Options, stack: LocalStack | AwsStack, started: Started, requested_by: str) -> None:
    """Tell the run to its end, and end the command as the run ended."""
    watch, story = Stopwatch(), Story(stack.audience(requested_by))
    verb = "Joining" if started.joined else "Started"
    options.output.say(f"{verb} run {started.run}" + (", which runs already." if started.joined else "."))
    follower = Follower(
        options.output,
        stack.client("stepfunctions"),
        started.arn,
        story,
        f"{options.command} status",
        stack.interval,
        stack.links,
    )
    try:
        ending = follower.to_the_end()
    except KeyboardInterrupt:
        options.output.complain(f"\n{stack.interrupted(started.run)}")
        click.get_current_context().exit(INTERRUPTED)
    except (BotoCoreError, ClientError) as error:
        # Above all credentials that ended while the run waited for a person: the run does not need ours.
        raise Misconfigured(
            f"Run {started.run} goes on, but it cannot be followed any more: {error}",
            f"renew the credentials, then: {options.command} runs --follow {started.run}",
        ) from error
    conclude(options, started.run, ending, story, watch)


def conclude(options: Options, run: str, ending: Ending, story: Story, watch: Stopwatch) -> None:
    """The run's summary. Raises RunEnded unless it succeeded."""
    facts = {"environment": options.environment, "approved_by": story.approved_by, "backup": story.backup}
    options.output.result(**summary(run, ending.outcome, story.done, watch, **facts))
    if ending.exit_code:
        command = ending.command + (options.flag if PLAIN_COMMAND.fullmatch(ending.command) else "")
        raise RunEnded(ending.outcome, ending.said, command, ending.exit_code)
    if ending.outcome == "NothingPending":
        options.output.say("Nothing to do.", fg="green")
        return
    options.output.say()
    pairs = [
        ("outcome", ending.outcome),
        ("revisions", ", ".join(story.done) or "none"),
        ("approved by", story.approved_by or "nobody was asked"),
        ("backup", story.backup or "none"),
        ("run", run),
    ]
    options.output.fields(pairs)


@contextlib.contextmanager
def reached(
    options: Options, name: str | None, local: bool, real_time: bool
) -> Iterator[LocalStack | AwsStack]:
    """The stack on AWS, or the stand-in's for as long as the block lasts."""
    with aws_errors(options):
        if not local:
            made = open_stack(options, name)
            yield AwsStack(made.environment, made.name, made.client)
            return
        from dbmigrate_cli.local import local_stack

        with local_stack(options, real_time) as stack:
            yield stack


class AwsStack(Stack):
    """How a run on AWS is followed."""

    interval = 2.0

    def links(self) -> list[str]:
        """A link is for its approver alone."""
        return []

    def recorded_bundle(self, run: str) -> str | None:
        """AWS keeps every execution for 90 days; what is older is not undone by a run."""
        return None

    def interrupted(self, run: str) -> str:
        return (
            f"Stopped following; the run goes on. Follow it again: "
            f"db-migrate --environment {self.environment} runs --follow {run}"
        )
