"""Moments and renames: real servers with real rows behind the identifiers of RDS."""

from __future__ import annotations

import pg8000.exceptions
import pytest
from tests.local.databases import MAIN, Writer, available, instance, now, refused, rename, restore

from dbmigrate_local.cloud import Cloud
from dbmigrate_local.embedded import EmbeddedPostgres


def test_a_moment_has_every_row_from_before_and_none_from_after(
    own_cloud: Cloud, own_server: EmbeddedPostgres
) -> None:
    with Writer(own_server) as writer:
        own_cloud.until(lambda: len(writer.commits) > 200)
        moment, count = now(), len(writer.commits)
        own_cloud.until(lambda: len(writer.commits) > count + 200)
    restore(own_cloud, "then", moment)
    first, second = instance(own_cloud, "then"), instance(own_cloud, "then")
    assert (first["DBInstanceStatus"], second["DBInstanceStatus"]) == ("creating", "available")
    restored = own_cloud.instances.server("then")
    assert "Endpoint" not in first and second["Endpoint"]["Port"] == restored.port != own_server.port
    found = {row[0] for row in restored.execute("SELECT id FROM written")}
    assert found >= writer.before(moment) and not found & writer.after(moment)
    assert 200 < len(found) < len(writer.commits)


def test_the_latest_moment_is_now(own_cloud: Cloud, own_server: EmbeddedPostgres) -> None:
    own_server.execute("CREATE TABLE newest AS SELECT 1 AS row")
    restore(own_cloud, "latest")
    assert own_cloud.instances.server("latest").execute("SELECT row FROM newest") == [[1]]


def test_a_restored_server_goes_with_its_data(own_cloud: Cloud) -> None:
    restore(own_cloud, "short-lived")
    server = own_cloud.instances.server("short-lived")
    own_cloud.client("rds").delete_db_instance(DBInstanceIdentifier="short-lived", SkipFinalSnapshot=True)
    with pytest.raises(pg8000.exceptions.InterfaceError):
        server.execute("SELECT 1")
    assert not server.data.exists()
    with refused("DBInstanceNotFound"):
        instance(own_cloud, "short-lived")


def test_a_swap_by_rename_moves_the_server_and_not_the_address(
    own_cloud: Cloud, own_server: EmbeddedPostgres
) -> None:
    own_server.execute("CREATE TABLE kept AS SELECT 'before' AS word")
    moment = now()
    own_server.execute("UPDATE kept SET word = 'after'")
    url = own_server.url
    restore(own_cloud, "copy", moment)
    copied, old = available(own_cloud, "copy"), instance(own_cloud, MAIN)
    assert rename(own_cloud, MAIN, "kept") == ["renaming", "rebooting", "available"]
    with pytest.raises(pg8000.exceptions.InterfaceError):
        own_server.execute("SELECT 'nobody has the name'")
    assert rename(own_cloud, "copy", MAIN) == ["renaming", "rebooting", "available"]
    assert own_server.url == url and own_server.execute("SELECT word FROM kept") == [["before"]]
    assert own_cloud.instances.server("kept").execute("SELECT word FROM kept") == [["after"]]
    new, kept = instance(own_cloud, MAIN), instance(own_cloud, "kept")
    assert new["Endpoint"] == old["Endpoint"] != kept["Endpoint"]
    assert new["DbiResourceId"] == copied["DbiResourceId"] != kept["DbiResourceId"] == old["DbiResourceId"]
    assert own_cloud.instances.resource_at(own_server.port) == new["DbiResourceId"]


def test_what_bears_the_name_now_can_be_restored_in_its_turn(
    own_cloud: Cloud, own_server: EmbeddedPostgres
) -> None:
    """Its first backup is taken when it gets the name; its transactions are on a timeline of their own."""
    own_cloud.instances.settle(MAIN)
    own_server.execute("CREATE TABLE steps AS SELECT 1 AS step")
    restore(own_cloud, "next")
    assert "LatestRestorableTime" not in available(own_cloud, "next")
    rename(own_cloud, MAIN, "previous")
    rename(own_cloud, "next", MAIN)
    own_cloud.instances.settle(MAIN)
    assert instance(own_cloud, MAIN)["LatestRestorableTime"] > now().replace(microsecond=0)
    own_server.execute("INSERT INTO steps VALUES (2)")
    moment = now()
    own_server.execute("INSERT INTO steps VALUES (3)")
    own_cloud.instances.server("previous").execute("INSERT INTO steps VALUES (4)")
    restore(own_cloud, "after-next", moment)
    rows = own_cloud.instances.server("after-next").execute("SELECT step FROM steps ORDER BY 1")
    assert rows == [[1], [2]]


def test_a_name_is_given_once(own_cloud: Cloud) -> None:
    restore(own_cloud, "twin")
    available(own_cloud, "twin")
    modify = own_cloud.client("rds").modify_db_instance
    with refused("DBInstanceAlreadyExists"):
        modify(DBInstanceIdentifier="twin", NewDBInstanceIdentifier=MAIN, ApplyImmediately=True)
    with refused("DBInstanceAlreadyExists"):
        restore(own_cloud, "twin")
    modify(DBInstanceIdentifier="twin", NewDBInstanceIdentifier="sister", ApplyImmediately=True)
    with refused("DBInstanceAlreadyExists"):
        restore(own_cloud, "sister")
    with refused("InvalidDBInstanceState"):
        modify(DBInstanceIdentifier="twin", NewDBInstanceIdentifier="cousin", ApplyImmediately=True)


def test_a_rename_waits_for_the_maintenance_window_unless_it_is_wanted_now(own_cloud: Cloud) -> None:
    restore(own_cloud, "patient")
    available(own_cloud, "patient")
    own_cloud.client("rds").modify_db_instance(
        DBInstanceIdentifier="patient", NewDBInstanceIdentifier="hasty"
    )
    assert available(own_cloud, "patient")["PendingModifiedValues"] == {"DBInstanceIdentifier": "hasty"}
