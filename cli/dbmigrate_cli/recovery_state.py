"""Where an environment's recovery is, as its own steps wrote it down outside of the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dbmigrate.adapters.recovery_log import S3RecoveryLog
from dbmigrate.domain.recovery import Record
from dbmigrate_cli.options import Options
from dbmigrate_cli.stack import Stack, aws_errors, open_stack


def latest(stack: Stack) -> Record | None:
    """The newest recovery; None before the first."""
    return S3RecoveryLog(stack.client("s3"), stack.output("BundleBucketName")).latest()


def under_way(stack: Stack) -> dict[str, Any] | None:
    """The recovery that has not ended, for the status report; None when there is none."""
    record = latest(stack)
    if record is None or record.over:
        return None
    return {
        "recovery": record.recovery,
        "phase": record.phase,
        "since": datetime.fromtimestamp(record.times[record.phase], UTC).isoformat(timespec="seconds"),
        "database": record.plan.get("database"),
        "restored": record.plan.get("restored"),
        "kept": record.plan.get("kept"),
        "next": ways_on(stack.environment, record),
    }


def ways_on(environment: str, record: Record) -> list[str]:
    """What may be typed for a recovery that was cut."""
    command = f"db-migrate --environment {environment} recover"
    on, back = (f"{command} --{wish} {record.recovery}" for wish in ("resume", "abandon"))
    if record.behind_swap:
        return [on]
    return [back] if record.phase == "abandoned" else [on, back]


def list_there(options: Options, name: str | None) -> None:
    """Show the newest recovery."""
    with aws_errors(options):
        stack = open_stack(options, name)
        record = latest(stack)
    options.output.result(environment=options.environment, recovery=record.to_json() if record else None)
    if record is None:
        options.output.say("No recovery yet.")
        return
    times = sorted(record.times.items(), key=lambda item: item[1])
    lines = [f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC  {phase}" for phase, at in times]
    plan = record.plan
    pairs = [
        ("recovery", record.recovery),
        ("phase", record.phase),
        ("to", str(plan.get("time") or plan.get("snapshot"))),
        ("instances", f"{plan.get('database')}, {plan.get('restored')}, {plan.get('kept')}"),
        ("passed", "\n".join(lines)),
    ]
    options.output.fields(pairs)
    if not record.over:
        options.output.note(f"next: {', or: '.join(ways_on(options.environment, record))}")
