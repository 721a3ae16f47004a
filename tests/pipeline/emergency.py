"""A production with rows, a destructive revision and more rows: what a recovery is for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pg8000.dbapi
from tests.pipeline.conftest import ROOT
from tests.pipeline.histories import DROPS, ORDERS
from tests.pipeline.pipeline import APPROVER, DEVELOPER, NUMBERS, Ending, Pipeline
from tests.pipeline.test_production import deploy

from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.stand_in import stand_in

BEFORE, AFTER = range(1, 51), range(51, 61)


class Emergency:
    """``run`` is the destructive run, ``moment`` the instant before it began. ``before`` are the rows that a
    recovery brings back, ``there`` those that the database has now."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self.cloud = pipeline, pipeline.cloud
        self.run = self.moment = ""
        self.before: list[Any] = []
        self.there: list[Any] = []

    @property
    def database(self) -> str:
        """Its name in RDS."""
        given = self.cloud.parameters
        return given.get("DatabaseCluster") or given["DatabaseInstance"]

    # ---- what happened
    def happen(self) -> Emergency:
        """The application writes; a revision drops a column; the application goes on writing."""
        assert deploy(self.pipeline, [ORDERS])[1].outcome == "Succeeded"
        self.pipeline.query("CREATE ROLE shop LOGIN")
        self.pipeline.query("GRANT SELECT, INSERT ON orders TO shop")
        for number in BEFORE:
            self.write(f"INSERT INTO orders (id, email) VALUES ({number}, '{number}@example.com')")
        self.before = self.rows()
        self.run, ending = deploy(self.pipeline, [ORDERS, DROPS])
        assert ending.outcome == "Succeeded", ending
        for number in AFTER:
            self.write(f"INSERT INTO orders (id) VALUES ({number})")
        began = f"SELECT started_at FROM dbmigrate.run WHERE name = '{self.run}'"
        self.moment = self.pipeline.query(began)[0][0].isoformat()
        self.there = self.rows()
        return self

    def happen_again(self) -> str:
        """A snapshot, and rows that it does not have; its name."""
        rds, name = self.cloud.client("rds"), f"db-migrate-again-{next(NUMBERS)}"
        kind, call = (
            ("Cluster", rds.create_db_cluster_snapshot) if self.is_cluster else ("", rds.create_db_snapshot)
        )
        identifiers = {
            f"DB{kind}SnapshotIdentifier": name,
            f"DB{kind or 'Instance'}Identifier": self.database,
        }
        call(**identifiers)
        self.before = self.rows()
        self.cloud.until(lambda: self.status_of(name) == "available", 60)
        self.pipeline.query(f"INSERT INTO orders (id) SELECT {next(NUMBERS)} + max(id) FROM orders")
        self.there = self.rows()
        return name

    def settle(self) -> None:
        """Wait until RDS has done what it was asked for."""
        rds = self.cloud.client("rds")

        def is_available() -> bool:
            found = [one["DBInstanceStatus"] for one in rds.describe_db_instances()["DBInstances"]]
            clusters = [one["Status"] for one in rds.describe_db_clusters()["DBClusters"]]
            return {*found, *clusters} == {"available"}

        self.cloud.until(is_available, 60)

    def status_of(self, snapshot: str) -> str:
        rds = self.cloud.client("rds")
        if self.is_cluster:
            found = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=snapshot)[
                "DBClusterSnapshots"
            ]
        else:
            found = rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot)["DBSnapshots"]
        return str(found[0]["Status"])

    @property
    def is_cluster(self) -> bool:
        return bool(self.cloud.parameters.get("DatabaseCluster"))

    def write(self, sql: str) -> None:
        """As the application, which is no superuser."""
        where = self.pipeline.server.endpoint
        with contextlib.closing(
            pg8000.dbapi.connect(
                user="shop", host=where.host, port=where.port, database=where.database, ssl_context=False
            )
        ) as connection:
            connection.cursor().execute(sql)
            connection.commit()

    # ---- what people do
    def start(self, **request: Any) -> str:
        """Start a recovery; its ARN."""
        name = f"production-recovery-20270101-{next(NUMBERS):06}"
        started = self.cloud.client("stepfunctions").start_execution(
            stateMachineArn=self.cloud.outputs["RecoveryStateMachineArn"],
            name=name,
            input=json.dumps({"requested_by": DEVELOPER, **request}),
        )
        return str(started["executionArn"])

    def to_before_the_run(self, **more: Any) -> str:
        return self.start(time=self.moment, before_run=self.run, reason="the addresses are gone", **more)

    def finish(self, arn: str) -> Ending:
        return self.pipeline.finish(arn)

    def ends(self, arn: str) -> Ending:
        return self.pipeline.end(arn)

    # ---- what may happen meanwhile
    @contextlib.contextmanager
    def aborted_after(self, function: str, number: int = 1, **event: str) -> Iterator[list[str]]:
        """Abort the execution when the function has done its work for the given time with such an event, and
        nobody has heard of it yet. Yields the ARNs of what was aborted."""
        aborted: list[str] = []
        seen: list[Any] = []

        def cut(logical_id: str, given: Any) -> None:
            fits = all(given.get(key) == value for key, value in event.items())
            if logical_id == f"{function}Function" and fits and not aborted:
                seen.append(given)
                if len(seen) == number:
                    aborted.append(self.running()[0])
                    self.cloud.client("stepfunctions").stop_execution(executionArn=aborted[0], error="Cut")

        self.cloud.runtime.answered = cut
        try:
            yield aborted
        finally:
            self.cloud.runtime.answered = lambda logical_id, given: None

    def running(self) -> list[str]:
        return [one["executionArn"] for one in self.executions() if one["status"] == "RUNNING"]

    def executions(self) -> list[dict[str, Any]]:
        """Of recoveries, the newest first."""
        states, machine = self.cloud.client("stepfunctions"), self.cloud.outputs["RecoveryStateMachineArn"]
        found = states.list_executions(stateMachineArn=machine)["executions"]
        return sorted(found, key=lambda one: one["startDate"], reverse=True)

    def put_back_by_event(self, arn: str) -> Ending:
        """How the execution ended that the abort of another has set off."""
        self.pipeline.end(arn)
        (started,) = (
            one["executionArn"]
            for one in self.executions()
            if json.loads(self.input_of(one["executionArn"])) == {"abandon": arn.rpartition(":")[2]}
        )
        return self.pipeline.end(started)

    def input_of(self, arn: str) -> str:
        described = self.cloud.client("stepfunctions").describe_execution(executionArn=arn)
        return str(described["input"])

    # ---- what is true
    def rows(self) -> list[tuple[Any, ...]]:
        """Of whoever bears the database's name."""
        wanted = "id, email" if "email" in self.pipeline.columns("orders") else "id"
        return self.pipeline.query(f"SELECT {wanted} FROM orders ORDER BY id")

    def rows_of(self, name: str) -> list[tuple[Any, ...]]:
        """Of any instance, as the administrator, whom no fence keeps out."""
        server = self.cloud.instances.server(name)
        columns = server.execute(
            "SELECT 1 FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'email'",
            "shop",
        )
        wanted = "id, email" if columns else "id"
        return [tuple(row) for row in server.execute(f"SELECT {wanted} FROM orders ORDER BY id", "shop")]

    def names(self) -> list[str]:
        """Of every instance, or of every cluster."""
        rds = self.cloud.client("rds")
        if self.is_cluster:
            return sorted(one["DBClusterIdentifier"] for one in rds.describe_db_clusters()["DBClusters"])
        return sorted(one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"])

    def grants(self) -> list[tuple[Any, ...]]:
        """Who may connect, and how often: what a fence changes."""
        acl = "coalesce(datacl, acldefault('d', datdba))::text"
        return self.pipeline.query(f"SELECT datname, {acl}, datconnlimit FROM pg_database ORDER BY 1")

    def lets_the_application_in(self) -> bool:
        try:
            self.write("SELECT 1")
        except pg8000.dbapi.DatabaseError as error:
            assert "permission denied for database" in str(error)
            return False
        return True

    def record(self, arn: str) -> dict[str, Any]:
        """How far the recovery of an execution is, from the bucket."""
        key = f"recoveries/{arn.rpartition(':')[2]}.json"
        body = self.cloud.client("s3").get_object(Bucket=self.pipeline.bucket, Key=key)["Body"]
        return dict(json.loads(body.read()))

    def kept(self, arn: str) -> str:
        """The name that its old instance gets."""
        return str(self.record(arn)["plan"]["kept"])


@contextlib.contextmanager
def emergency(folder: Path, password: str = "", **parameters: str) -> Iterator[Emergency]:
    """Production on a server of its own: renames stop servers. A login by ``password`` outlives a recovery,
    one by IAM authentication names the instance that there was."""
    given = {"Environment": "production", "FirstApprover": APPROVER, **parameters}
    with EmbeddedPostgres(find_binaries(), folder / "postgres") as server:
        url = server.create_database("shop")
        url = url.replace("postgres@", f"postgres:{password}@") if password else url
        database = DatabaseServer(url, server, server.binaries)
        with stand_in(ROOT / "template.yaml", given, database, folder / "stand-in") as cloud:
            yield Emergency(Pipeline(cloud, database, folder))
