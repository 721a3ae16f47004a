"""A drill in a test's hands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.pipeline.pipeline import Ending, Pipeline

from dbmigrate_local.parameters import INSTANCE


class Drill(Ending):
    """How a drill ended, and what it left in the bucket."""

    def __init__(self, pipeline: Pipeline, arn: str) -> None:
        self.pipeline, self.name = pipeline, arn.rsplit(":", 1)[-1]
        super().__init__(pipeline.cloud.wait(arn, 300), pipeline.cloud.states(arn))

    @property
    def record(self) -> dict[str, Any]:
        return kept(self.pipeline, f"drills/{self.pipeline.cloud.parameters['Environment']}/{self.name}.json")


def start(pipeline: Pipeline, **request: Any) -> str:
    """Start a drill; returns its ARN."""
    started = pipeline.cloud.client("stepfunctions").start_execution(
        stateMachineArn=pipeline.cloud.outputs["DrillStateMachineArn"], input=json.dumps(request)
    )
    return str(started["executionArn"])


def drill(pipeline: Pipeline, **request: Any) -> Drill:
    """A drill to its end."""
    return Drill(pipeline, start(pipeline, **request))


def kept(pipeline: Pipeline, key: str) -> dict[str, Any]:
    """What lies in the bucket under a key."""
    body = pipeline.cloud.client("s3").get_object(Bucket=pipeline.bucket, Key=key)["Body"]
    return dict(json.loads(body.read()))


def snapshot(pipeline: Pipeline, name: str) -> str:
    """A snapshot named like those of our runs, of what the database holds now."""
    rds, full = pipeline.cloud.client("rds"), f"db-migrate-{name}"
    rds.create_db_snapshot(DBSnapshotIdentifier=full, DBInstanceIdentifier=INSTANCE)
    rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier=full)
    return full


def damage(pipeline: Pipeline, snapshot: str, table: str) -> None:
    """Overwrite a page in the middle of a table, in the snapshot alone."""
    ((path, size),) = pipeline.query(f"SELECT pg_relation_filepath('{table}'), pg_relation_size('{table}')")
    folder = pipeline.cloud.snapshots.get(snapshot).folder
    assert folder is not None and size > 100 * 8192
    with (Path(folder) / path).open("r+b") as file:
        file.seek(50 * 8192)
        file.write(b"\xa5" * 8192)


def instances(pipeline: Pipeline) -> set[str]:
    """What RDS has."""
    found = pipeline.cloud.client("rds").describe_db_instances()["DBInstances"]
    return {one["DBInstanceIdentifier"] for one in found if one["DBInstanceStatus"] != "deleting"}


def live_through_drills(pipeline: Pipeline) -> None:
    """One that rehearses what is pending, one that is cut off, and the daily measure."""
    ending = drill(pipeline)
    assert ending.record["where"] == "upgrade" and ending.record["rehearsal"]["bundle"], ending
    pipeline.cloud.instances.next_restore_ends("creating")
    cut_off(pipeline, start(pipeline))
    pipeline.cloud.invoke("RecordDrillFunction", {"question": "age"})


def cut_off(pipeline: Pipeline, arn: str) -> dict[str, Any]:
    """Abort a drill in the middle of its restore; its record, once its copy is gone."""
    cloud, name = pipeline.cloud, arn.rsplit(":", 1)[-1]
    key = f"drills/{cloud.parameters['Environment']}/{name}.json"
    cloud.until(lambda: "Wait for the restore" in cloud.states(arn), 60)
    cloud.client("stepfunctions").stop_execution(executionArn=arn)
    cloud.until(lambda: "discarded" in kept(pipeline, key), 60, lambda: cloud.story(arn))
    return kept(pipeline, key)
