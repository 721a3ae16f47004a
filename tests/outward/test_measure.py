"""Measuring the server: what refuses a plan, what makes it wait, and what nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.rds.models import rds_backends
from tests.outward.conftest import ACCOUNT
from tests.outward.fakes import make_plan

from dbmigrate.domain.errors import BadRequest, ServerNotReady, ServerUnfit
from dbmigrate.domain.server_load import LoadLimits, ServerLoad
from dbmigrate.runtime import wiring
from dbmigrate.service.measure import measure

GIB = 1024**3
QUIET = ServerLoad(
    "app", "available", (), 100 * GIB, cpu=20, replica_lag=1, commit_latency=5, write_latency=2
)
PLAN = make_plan().slim()


class Server:
    def __init__(self, load: ServerLoad) -> None:
        self._load = load

    def look(self) -> ServerLoad:
        return self._load


def measured(plan: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    return measure(plan or PLAN, Server(replace(QUIET, **changed)), LoadLimits())


def test_a_quiet_server_is_ready_and_what_was_seen_is_said() -> None:
    assert measured() | {"deployments": []} == {
        "status": "ready", "name": "app", "deployments": [], "free_bytes": 100 * GIB, "storage_grows": False,
        "cpu": 20, "replica_lag": 1, "commit_latency": 5, "write_latency": 2,
    }  # fmt: skip


def test_without_an_rds_database_nothing_is_known_and_nothing_held_up() -> None:
    assert measure(PLAN, None, LoadLimits()) == {"status": "unknown"}


def test_what_nobody_measured_holds_nothing_up() -> None:
    plan = PLAN | {"predicted_bytes": 10**15, "largest_bytes": 10**15}
    nothing = dict.fromkeys(("free_bytes", "cpu", "replica_lag", "commit_latency", "write_latency"))
    assert measured(plan, **nothing)["status"] == "ready"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": "modifying"}, "RDS shows it as modifying"),
        ({"cpu": 93.4}, "CPU 93 %, limit 80 %"),
        ({"replica_lag": 31}, "replica lag 31 s, limit 30 s"),
        ({"commit_latency": 250}, "commit latency 250 ms, limit 100 ms"),
        ({"write_latency": 101}, "write latency 101 ms"),
        ({"cpu": 81, "replica_lag": 60}, "CPU 81 %, limit 80 %; replica lag 60 s"),
    ],
)
def test_what_passes_is_waited_for(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ServerNotReady, match=said):
        measured(**changed)


def test_a_limit_itself_is_allowed() -> None:
    assert measured(cpu=80, replica_lag=30, commit_latency=100)["status"] == "ready"


def test_a_blue_green_deployment_is_refused_by_name() -> None:
    with pytest.raises(ServerUnfit, match="deployment under way .green-1"):
        measured(deployments=("green-1",), cpu=99)


@pytest.mark.parametrize(
    ("grows", "predicted", "largest", "fits"),
    [
        (False, 66 * GIB, 66 * GIB, True),
        (False, 67 * GIB, 1, False),
        (True, 500 * GIB, 66 * GIB, True),
        (True, 500 * GIB, 67 * GIB, False),
    ],
)
def test_storage_must_hold_the_plan_and_a_half_more(
    grows: bool, predicted: int, largest: int, fits: bool
) -> None:
    plan = PLAN | {"predicted_bytes": predicted, "largest_bytes": largest}
    if fits:
        assert measured(plan, storage_grows=grows)["status"] == "ready"
        return
    with pytest.raises(ServerUnfit, match="local storage" if grows else "of free storage; the plan"):
        measured(plan, storage_grows=grows)


def seen(metric: str, value: float, instance: str) -> None:
    """What CloudWatch would have of an instance. AWS lets only itself write this namespace."""
    datum = {
        "MetricName": metric,
        "Value": value,
        "Timestamp": datetime.now(UTC) - timedelta(minutes=1),
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": instance}],
    }
    wiring.client("cloudwatch").put_metric_data(Namespace="AWS/RDS", MetricData=[datum])


def ask(function: Any) -> dict[str, Any]:
    return dict(function("measure").handler({"run": "staging-1", "plan": PLAN}, None))


@pytest.fixture
def instance(aws: None) -> Any:
    rds = wiring.client("rds")
    common = {"DBInstanceClass": "db.t3.micro", "Engine": "postgres", "MasterUsername": "app"}
    rds.create_db_instance(DBInstanceIdentifier="app", **common)
    rds.create_db_instance_read_replica(DBInstanceIdentifier="reader", SourceDBInstanceIdentifier="app")
    return rds


def test_the_function_reads_an_instance_and_its_replicas(instance: Any, function: Any) -> None:
    seen("FreeStorageSpace", 7 * GIB, "app")
    seen("CPUUtilization", 12.5, "app")
    seen("WriteLatency", 0.004, "app")
    seen("ReplicaLag", 3, "reader")
    seen("CPUUtilization", 100, "another")
    found = ask(function)
    assert (found["status"], found["free_bytes"], found["cpu"]) == ("ready", 7 * GIB, 12.5)
    assert (found["write_latency"], found["replica_lag"], found["commit_latency"]) == (4, 3, None)


def test_a_replica_that_replicates_nothing_has_no_lag(instance: Any, function: Any) -> None:
    seen("ReplicaLag", -1, "reader")
    assert ask(function)["replica_lag"] is None


def test_an_instance_that_changes_is_not_ready(instance: Any, function: Any) -> None:
    rds_backends[ACCOUNT]["eu-west-1"].databases["app"].status = "modifying"
    with pytest.raises(ServerNotReady, match="app has enough to do: RDS shows it as modifying"):
        ask(function)


def test_a_deployment_under_way_is_found_and_one_that_is_over_is_not(instance: Any, function: Any) -> None:
    (source,) = instance.describe_db_instances(DBInstanceIdentifier="app")["DBInstances"]
    instance.create_blue_green_deployment(BlueGreenDeploymentName="green", Source=source["DBInstanceArn"])
    with pytest.raises(ServerUnfit, match="green"):
        ask(function)
    (made,) = rds_backends[ACCOUNT]["eu-west-1"].blue_green_deployments.values()
    made.status = "SWITCHOVER_COMPLETED"
    assert ask(function)["status"] == "ready"


def test_the_function_reads_a_cluster_by_its_writer(
    aws: None, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_INSTANCE", "")
    monkeypatch.setenv("DATABASE_CLUSTER", "app")
    rds = wiring.client("rds")
    common = {"Engine": "aurora-postgresql", "MasterUsername": "app"}
    rds.create_db_cluster(DBClusterIdentifier="app", MasterUserPassword="secret123", **common)
    assert ask(function)["cpu"] is None
    rds.create_db_instance(
        DBInstanceIdentifier="writer",
        DBClusterIdentifier="app",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )
    seen("CommitLatency", 8, "writer")
    seen("AuroraReplicaLagMaximum", 25, "writer")
    seen("FreeLocalStorage", 2 * GIB, "writer")
    found = ask(function)
    assert (found["commit_latency"], found["replica_lag"], found["free_bytes"]) == (8, 0.025, 2 * GIB)
    assert found["storage_grows"] is True


def test_a_database_that_rds_does_not_know_is_not_ready(aws: None, function: Any) -> None:
    with pytest.raises(ServerNotReady, match="app cannot be measured: DBInstanceNotFound"):
        ask(function)


def test_a_stack_without_an_rds_database_is_not_measured(
    aws: None, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_INSTANCE", "")
    assert ask(function) == {"status": "unknown"}


def test_an_event_without_a_plan_is_refused(aws: None, function: Any) -> None:
    with pytest.raises(BadRequest, match="measure: the event has no 'plan'"):
        function("measure").handler({"run": "staging-1"}, None)
