"""Every statement of every role is needed: without it, something that really happened would have been
refused.

Two stacks live through all that a run can do. The stand-in keeps what each role asked for; a statement is
needed when one of those questions is answered with yes only because of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.rds.models import rds_backends
from tests.pipeline.conftest import ROOT
from tests.pipeline.drilling import live_through_drills
from tests.pipeline.emergency import Emergency
from tests.pipeline.histories import NOTES, ORDERS, UNIQUE
from tests.pipeline.pipeline import APPROVER, Pipeline
from tests.pipeline.test_production import prove

from dbmigrate_local.account import ACCOUNT, REGION
from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.cloud import Cloud
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.iam_policies import allowed, policies_of
from dbmigrate_local.stand_in import stand_in

ELSEWHERE = "eu-central-1"


def live_through_everything(pipeline: Pipeline) -> None:
    """Success, rejection, failure with its remedy, a stopped run, status and the daily look."""
    for changes in ([ORDERS], [ORDERS, NOTES]):
        digest = pipeline.bundle(changes)
        if pipeline.cloud.parameters["Environment"] == "production":
            prove(pipeline, digest)
        assert pipeline.finish(pipeline.start(digest)).outcome == "Succeeded"
    pipeline.query("INSERT INTO orders (id, email) VALUES (1, 'a@example.com'), (2, 'a@example.com')")
    more = UNIQUE.__class__("0003", ("ALTER TABLE orders ADD more text",), ("ALTER TABLE orders DROP more",))
    unique = UNIQUE.__class__("0004", UNIQUE.up, UNIQUE.back)
    digest = pipeline.bundle([ORDERS, NOTES, more, unique])
    if pipeline.cloud.parameters["Environment"] == "production":
        prove(pipeline, digest)
    rejected = pipeline.start(digest)
    pipeline.decide(rejected, "reject")
    pipeline.end(rejected)
    assert pipeline.finish(pipeline.start(digest)).outcome in ("RolledBack", "NeedsManualRollback")
    steer_without_a_connection(pipeline)
    live_through_drills(pipeline)
    forget_old_backups(pipeline)
    pipeline.cloud.invoke("InspectFunction", {"question": "status"})
    pipeline.cloud.invoke("RequestApprovalFunction", {"question": "waiting"})
    plan = next(i.event["plan"] for i in pipeline.cloud.invocations if "phase" in i.event)
    pipeline.cloud.invoke("InspectFunction", {"plan": plan, "phase": "upgrade", "run": "r", "failure": {}})


MONITORING = {"MonitoringInterval": 30, "MonitoringRoleArn": f"arn:aws:iam::{ACCOUNT}:role/monitors"}


def live_through_recoveries(pipeline: Pipeline) -> None:
    """One that is aborted, one that is rejected, and one that takes over what was changed meanwhile."""
    there = Emergency(pipeline)
    monitor(there, 60)
    snapshot = there.happen_again()
    keep_backups_for(there, 14)  # since the snapshot, so that the copy has to be given it
    aborted = there.start(time=pipeline.query("SELECT clock_timestamp()")[0][0].isoformat())
    pipeline.link(aborted)
    there.cloud.client("stepfunctions").stop_execution(executionArn=aborted)
    assert there.put_back_by_event(aborted).outcome == "RecoveryAbandoned"
    rejected = there.start(snapshot=snapshot)
    pipeline.decide(rejected, "reject")
    assert there.ends(rejected).outcome == "RecoveryRejected"
    recovery = there.start(snapshot=snapshot)
    pipeline.link(recovery)
    monitor(there, 30)
    ending = there.finish(recovery)
    assert ending.outcome == "Recovered", ending


def monitor(there: Emergency, interval: int) -> None:
    """Let RDS watch the database's instance, or its writer."""
    name = f"{there.database}-1" if there.is_cluster else there.database
    given = MONITORING | {"MonitoringInterval": interval}
    there.settle()
    there.cloud.client("rds").modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True, **given)
    there.settle()


def keep_backups_for(there: Emergency, days: int) -> None:
    rds = there.cloud.client("rds")
    if there.is_cluster:
        rds.modify_db_cluster(
            DBClusterIdentifier=there.database, BackupRetentionPeriod=days, ApplyImmediately=True
        )
    else:
        rds.modify_db_instance(
            DBInstanceIdentifier=there.database, BackupRetentionPeriod=days, ApplyImmediately=True
        )
    there.settle()


def steer_without_a_connection(pipeline: Pipeline) -> None:
    """Stop a run while the application has every connection, until the handles of its sessions were read."""
    ended = next(i.event["run"] for i in pipeline.cloud.invocations if "phase" in i.event)
    asked = {"run": ended, "wish": "stop", "by": "ada@example.com"}
    with pipeline.every_connection_taken() as give_back, ThreadPoolExecutor(1) as pool:
        steering = pool.submit(pipeline.cloud.invoke, "SteerFunction", asked)
        pipeline.cloud.until(lambda: steering.done() or has_read_handles(pipeline.cloud), 60)
        give_back()
        answer, failed = steering.result()
    assert failed is None and answer["run"] == ended


def forget_old_backups(pipeline: Pipeline) -> None:
    """Prune when all but the newest backup, here and in the other Region, are a few days old."""
    for region in (REGION, ELSEWHERE):
        backend = rds_backends[ACCOUNT][region]
        for made in [*backend.database_snapshots.values(), *backend.cluster_snapshots.values()]:
            made.created -= timedelta(days=3)
    # Nothing is deleted while a drill runs, and that which discards a copy ends after it is recorded.
    pipeline.cloud.until(lambda: not drills_at_work(pipeline.cloud), 60)
    answer, failed = pipeline.cloud.invoke("PruneBackupsFunction", {})
    assert failed is None and any(name.endswith("-copy") for name in answer["deleted"]), answer


def drills_at_work(cloud: Cloud) -> bool:
    arn = cloud.outputs["DrillStateMachineArn"]
    found = cloud.client("stepfunctions").list_executions(stateMachineArn=arn, statusFilter="RUNNING")
    return bool(found["executions"])


def has_read_handles(cloud: Cloud) -> bool:
    return any("SteerFunction" in d.role and d.action == "s3:GetObject" for d in cloud.decisions)


def measured_by_its_writer(pipeline: Pipeline) -> None:
    """An Aurora cluster is as busy as the instance that writes."""
    pipeline.cloud.client("rds").create_db_instance(
        DBInstanceIdentifier="writer",
        DBClusterIdentifier=pipeline.cloud.parameters["DatabaseCluster"],
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )


def statements(cloud: Cloud) -> list[tuple[str, list[dict[str, Any]], int, int]]:
    """Every statement of the stack's roles as (role, all policies, which policy, which statement)."""
    found = []
    for logical_id, name in sorted(cloud.resources.items()):
        if logical_id.endswith("Role"):
            policies = policies_of(f"arn:aws:iam::{ACCOUNT}:role/{name}")
            for number, policy in enumerate(policies):
                found += [(name, policies, number, place) for place in range(len(policy["Statement"]))]
    return found


def without(policies: list[dict[str, Any]], number: int, place: int) -> list[dict[str, Any]]:
    copy = json.loads(json.dumps(policies))
    del copy[number]["Statement"][place]
    return copy  # type: ignore[no-any-return]


def unneeded(cloud: Cloud) -> list[str]:
    """The statements whose removal would have changed nothing. A denial is there for what nobody tries."""
    idle = []
    for role, policies, number, place in statements(cloud):
        if policies[number]["Statement"][place]["Effect"] == "Deny":
            continue
        less = without(policies, number, place)
        asked = {
            (d.action, d.resource, tuple(d.context.items()))
            for d in cloud.decisions
            if d.role == role and d.allowed
        }
        if all(allowed(less, action, resource, dict(context)) for action, resource, context in asked):
            idle.append(f"{role}: {policies[number]['Statement'][place]}")
    return idle


@pytest.fixture(scope="module", params=["staging, an instance, IAM", "production, a cluster, a secret"])
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    folder: Path = tmp_path_factory.mktemp("permissions")
    environment = request.param.split(",")[0]
    parameters = {
        "Environment": environment,
        "FirstApprover": APPROVER,
        "ApplicationAlarms": "orders-5xx",
        "BackupCopyRegion": ELSEWHERE,
        "BackupShareAccount": "210987654321",
        "BackupsKept": "1",
    }
    if environment == "production":
        parameters |= {"DatabaseCluster": "orders"}
    with ExitStack() as stack:
        # of its own: a recovery renames what a server serves
        postgres = stack.enter_context(EmbeddedPostgres(find_binaries(), folder / "postgres"))
        url = postgres.create_database("shop")
        if environment == "production":
            url = url.replace("postgres@", "postgres:not-asked-for@")
        server = DatabaseServer(url, postgres, postgres.binaries)
        cloud = stack.enter_context(stand_in(ROOT / "template.yaml", parameters, server, folder))
        pipeline = Pipeline(cloud, server, folder)
        if environment == "production":
            measured_by_its_writer(pipeline)
        live_through_everything(pipeline)
        live_through_recoveries(pipeline)
        yield pipeline


def test_nothing_was_refused(lived: Pipeline) -> None:
    assert [decision for decision in lived.cloud.decisions if not decision.allowed] == []


def test_every_statement_is_needed(lived: Pipeline) -> None:
    assert unneeded(lived.cloud) == []
