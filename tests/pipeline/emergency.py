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
    """``run`` is the destructive run, ``moment`` the instant before it began."""

    def __init__(self, pipeline: Pipeline, server: EmbeddedPostgres) -> None:
        self.pipeline, self.cloud, self.postgres = pipeline, pipeline.cloud, server
        self.run = self.moment = ""

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
        self.run, ending = deploy(self.pipeline, [ORDERS, DROPS])
        assert ending.outcome == "Succeeded", ending
        for number in AFTER:
            self.write(f"INSERT INTO orders (id) VALUES ({number})")
        began = f"SELECT started_at FROM dbmigrate.run WHERE name = '{self.run}'"
        self.moment = self.pipeline.query(began)[0][0].isoformat()
        return self

    def write(self, sql: str) -> None:
        """As the application, which is no superuser."""
        where = self.pipeline.server.endpoint
        with contextlib.closing(
            pg8000.dbapi.connect(user="shop", host=where.host, port=where.port, database=where.database)
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

    # ---- what is true
    def rows(self) -> list[tuple[Any, ...]]:
        """Of whoever bears the database's name."""
        wanted = "id, email" if "email" in self.pipeline.columns("orders") else "id"
        return self.pipeline.query(f"SELECT {wanted} FROM orders ORDER BY id")

    def names(self) -> list[str]:
        """Of every instance, or of every cluster."""
        rds = self.cloud.client("rds")
        if self.cloud.parameters.get("DatabaseCluster"):
            return sorted(one["DBClusterIdentifier"] for one in rds.describe_db_clusters()["DBClusters"])
        return sorted(one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"])

    def grants(self) -> list[tuple[Any, ...]]:
        """Who may connect, and how often: what a fence changes."""
        sql = "SELECT datname, datacl::text, datconnlimit FROM pg_database ORDER BY datname"
        return self.pipeline.query(sql)

    def lets_the_application_in(self) -> bool:
        try:
            self.write("SELECT 1")
        except pg8000.dbapi.DatabaseError as error:
            assert "permission denied for database" in str(error)
            return False
        return True

    def record(self, arn: str) -> dict[str, Any]:
        key = f"recoveries/{arn.rpartition(':')[2]}.json"
        body = self.cloud.client("s3").get_object(Bucket=self.pipeline.bucket, Key=key)["Body"]
        return dict(json.loads(body.read()))


@contextlib.contextmanager
def emergency(folder: Path, **parameters: str) -> Iterator[Emergency]:
    """Production on a server of its own: renames stop servers."""
    given = {"Environment": "production", "FirstApprover": APPROVER, **parameters}
    with EmbeddedPostgres(find_binaries(), folder / "postgres") as server:
        database = DatabaseServer(server.create_database("shop"), server, server.binaries)
        with stand_in(ROOT / "template.yaml", given, database, folder / "stand-in") as cloud:
            yield Emergency(Pipeline(cloud, database, folder), server)
