"""What the tests of the local RDS ask again and again, and an application that writes meanwhile."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pg8000.dbapi
import pytest
from botocore.exceptions import ClientError

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.embedded import EmbeddedPostgres

MAIN = "local-database"


def instance(cloud: Cloud, name: str) -> dict[str, Any]:
    answer = cloud.client("rds").describe_db_instances(DBInstanceIdentifier=name)
    return dict(answer["DBInstances"][0])


def cluster(cloud: Cloud, name: str) -> dict[str, Any]:
    answer = cloud.client("rds").describe_db_clusters(DBClusterIdentifier=name)
    return dict(answer["DBClusters"][0])


def available(cloud: Cloud, name: str) -> dict[str, Any]:
    """An instance, asked for until it is available."""
    for _ in range(5):
        if (found := instance(cloud, name))["DBInstanceStatus"] == "available":
            return found
    raise AssertionError(f"{name} is {found['DBInstanceStatus']}")


def restore(cloud: Cloud, name: str, moment: dt.datetime | None = None, **values: Any) -> None:
    """Begin to restore the main instance to a moment, the latest if None."""
    when = {"RestoreTime": moment} if moment else {"UseLatestRestorableTime": True}
    cloud.client("rds").restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=MAIN, TargetDBInstanceIdentifier=name, **when, **values
    )


def rename(cloud: Cloud, old: str, new: str) -> list[str]:
    """Rename an instance and wait for the end; what was seen meanwhile."""
    cloud.client("rds").modify_db_instance(
        DBInstanceIdentifier=old, NewDBInstanceIdentifier=new, ApplyImmediately=True
    )
    return [instance(cloud, name)["DBInstanceStatus"] for name in (old, new, new)]


def refused(code: str) -> Any:
    """A block that RDS must refuse with a code."""
    return pytest.raises(ClientError, match=rf"\({code}\)")


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Writer:
    """An application that commits row after row, and knows when each commit began and was confirmed."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        server.execute("CREATE TABLE IF NOT EXISTS written (id bigint PRIMARY KEY)")
        self.commits: list[tuple[int, dt.datetime, dt.datetime]] = []
        self._port = server.port
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def before(self, moment: dt.datetime) -> set[int]:
        """The rows that were confirmed before a moment: they must be there."""
        return {number for number, _, confirmed in self.commits if confirmed < moment}

    def after(self, moment: dt.datetime) -> set[int]:
        """The rows whose commit began after a moment: they must not be there."""
        return {number for number, began, _ in self.commits if began > moment}

    def _write(self) -> None:
        connection = pg8000.dbapi.connect("postgres", "127.0.0.1", "postgres", self._port, ssl_context=False)
        cursor = connection.cursor()
        while not self._ends.is_set():
            number = len(self.commits) + 1
            cursor.execute("INSERT INTO written VALUES (%s)", (number,))
            began = now()
            connection.commit()
            self.commits.append((number, began, now()))
        connection.close()
