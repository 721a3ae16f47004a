"""Drills of an environment: started on its stack, followed to the end, told with their figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from dbmigrate.domain.backup import snapshot_id
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.drill_words import drill_facts
from dbmigrate.domain.errors import Misconfigured
from dbmigrate_cli.context import history_of
from dbmigrate_cli.deploy_there import AwsStack, reached
from dbmigrate_cli.drill_story import DrillStory
from dbmigrate_cli.evidence import evidence_for_bundle
from dbmigrate_cli.failures import INTERRUPTED, RunEnded
from dbmigrate_cli.follow import Follower
from dbmigrate_cli.options import Options
from dbmigrate_cli.outcomes import Ending

if TYPE_CHECKING:
    from dbmigrate_cli.local import LocalStack

    AnyStack = LocalStack | AwsStack


@dataclass(frozen=True)
class Wish:
    """What is to be restored, and whether this checkout's revisions are rehearsed on it."""

    snapshot: str | None
    latest: bool
    bundle: bool
    discard: str | None
    requested_by: str
    scratch: str | None


def drill_there(options: Options, wish: Wish, name: str | None, local: bool, real_time: bool) -> None:
    """Start a drill and follow it. Raises RunEnded unless it passed."""
    options.local = local
    with reached(options, name, local, real_time) as stack:
        drill = f"{options.environment}-drill-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        request = request_of(options, stack, wish)
        if local and not (wish.snapshot or wish.latest or wish.discard):
            request["snapshot"] = _taken_now(options, stack, drill)
        started = stack.client("stepfunctions").start_execution(
            stateMachineArn=stack.output("DrillStateMachineArn"), name=drill, input=json.dumps(request)
        )
        options.output.say(f"Started {drill}.")
        follow(options, stack, str(started["executionArn"]))


def request_of(options: Options, stack: AnyStack, wish: Wish) -> dict[str, Any]:
    """The execution's input; with the digest of this checkout's bundle, which is uploaded."""
    if wish.discard:
        return {"discard": wish.discard, "requested_by": wish.requested_by}
    request: dict[str, Any] = {"requested_by": wish.requested_by}
    if wish.snapshot:
        request["snapshot"] = wish.snapshot
    if wish.latest:
        request["time"] = "latest"
    if wish.bundle:
        request["bundle"] = _bundled(options, stack, wish.scratch)
    return request


def _bundled(options: Options, stack: AnyStack, scratch: str | None) -> str:
    history = history_of(options)
    _ = history.head
    content = pack(history.files(), evidence_for_bundle(options, history, scratch))
    stack.upload(content)
    return digest_of(content)


def _taken_now(options: Options, stack: AnyStack, drill: str) -> str:
    """The stand-in forgets its snapshots, so that one is taken of what the database holds now."""
    options.output.note("The stand-in has no snapshot yet: one is taken now.")
    rds, snapshot = stack.client("rds"), snapshot_id(drill, {})
    cluster, instance = stack.parameters.get("DatabaseCluster"), stack.parameters.get("DatabaseInstance")
    if cluster:
        rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=snapshot, DBClusterIdentifier=cluster)
        rds.get_waiter("db_cluster_snapshot_available").wait(DBClusterSnapshotIdentifier=snapshot)
    else:
        rds.create_db_snapshot(DBSnapshotIdentifier=snapshot, DBInstanceIdentifier=instance)
        rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=snapshot)
    return snapshot


def follow(options: Options, stack: AnyStack, arn: str) -> None:
    """Tell a drill to its end, and end the command as it ended. Raises RunEnded unless it passed."""
    drill, story = arn.rsplit(":", 1)[-1], DrillStory()
    again = f"{options.command} drill{options.flag}"
    follower = Follower(options.output, stack.client("stepfunctions"), arn, story, again, stack.interval)
    try:
        ending = follower.to_the_end()
    except KeyboardInterrupt:
        options.output.complain("\nStopped following; the drill goes on and tells everyone how it ends.")
        click.get_current_context().exit(INTERRUPTED)
    except (BotoCoreError, ClientError) as error:
        raise Misconfigured(
            f"{drill} goes on, but it cannot be followed any more: {error}",
            "renew the credentials; its end is announced to everyone",
        ) from error
    conclude(options, drill, ending, story.report)


def conclude(options: Options, drill: str, ending: Ending, report: Mapping[str, Any]) -> None:
    """The figures. Raises RunEnded unless the drill passed."""
    facts = {key: value for key, value in report.items() if key not in ("drill", "outcome")}
    options.output.result(drill=drill, environment=options.environment, outcome=ending.outcome, **facts)
    if ending.exit_code:
        raise RunEnded(ending.outcome, ending.said, ending.command, ending.exit_code)
    options.output.say()
    told = [(name, text) for name, text in drill_facts(report).items() if text]
    options.output.fields([("outcome", ending.outcome), *told, ("drill", drill)])
