"""Drills on real servers and a million rows: a backup is restored, read, upgraded and deleted, or says why it
would not do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.pipeline.conftest import Switchboard
from tests.pipeline.drilling import Drill, cut_off, damage, drill, instances, kept, snapshot, start
from tests.pipeline.histories import NOTES, ORDERS, Change
from tests.pipeline.pipeline import APPROVER, Pipeline, get

from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.parameters import INSTANCE

ROWS = 1_000_000
FILL = f"""INSERT INTO orders (id, email)
SELECT n, n || '@example.com' FROM generate_series(1, {ROWS}) n"""
CHECKED = Change(
    "0002",
    ("ALTER TABLE orders ADD CONSTRAINT has_email CHECK (email LIKE '%@%') NOT VALID",),
    ("ALTER TABLE orders DROP CONSTRAINT has_email",),
    "Demand addresses of new orders",
)
VALID = Change(
    "0003", ("ALTER TABLE orders VALIDATE CONSTRAINT has_email",), ("SELECT 1",), "Hold the old ones to it"
)
FEWER = Change(
    "0002", ("ALTER TABLE orders ADD CONSTRAINT fewer CHECK (id < 1000000)",), ("SELECT 1",), "Break on a row"
)


@pytest.fixture(scope="module")
def shop(
    switchboard: Switchboard, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    """A staging environment whose table has a million rows, with a snapshot of them."""
    folder: Path = tmp_path_factory.mktemp("drills")
    server = DatabaseServer(postgres.create_database("drills"), postgres, None)
    cloud = switchboard.cloud_for({"Environment": "staging", "FirstApprover": APPROVER})
    cloud.runtime.give(DATABASE_NAME=server.endpoint.database)
    pipeline = Pipeline(cloud, server, folder)
    assert pipeline.deploy([ORDERS]).outcome == "Succeeded"
    pipeline.query(FILL)
    snapshot(pipeline, "a-million")
    yield pipeline
    switchboard.forget_snapshots()


@pytest.fixture(scope="module")
def passed(shop: Pipeline) -> Drill:
    """A drill that found everything in order, and rehearsed a bundle that was never deployed."""
    shop.bundle([ORDERS, CHECKED, VALID])
    return drill(shop, requested_by="ada@example.com")


def test_a_drill_tells_what_it_measured(passed: Drill) -> None:
    assert passed.outcome == "DrillPassed", passed
    record = passed.record
    assert (record["rows"], record["backup"]["snapshot"]) == (ROWS, "db-migrate-a-million")
    assert record["bytes"] > 50_000_000 and record["backup"]["age_seconds"] > 0
    assert all(record["rto"][part] > 0 for part in ("restore", "verify", "upgrade"))
    assert record["rto"]["total"] == pytest.approx(
        sum(record["rto"][part] for part in ("restore", "verify", "upgrade"))
    )
    assert record["backup"]["rpo_seconds"] < 60


def test_it_measures_what_each_revision_locks_and_for_how_long(passed: Drill) -> None:
    checked, valid = passed.record["rehearsal"]["revisions"]
    assert (checked["revision"], valid["revision"]) == ("0002", "0003")
    assert checked["seconds"] > 0 and valid["seconds"] > 0.02
    strongest = valid["locks"][0]
    assert (strongest["relation"], strongest["mode"]) == ("public.orders", "SHARE UPDATE EXCLUSIVE")
    assert 0.02 < strongest["seconds"] <= valid["seconds"] + 0.1
    assert "VALIDATE CONSTRAINT has_email" in strongest["statement"]


def test_its_copy_is_gone_and_the_database_as_it_was(shop: Pipeline, passed: Drill) -> None:
    assert instances(shop) == {INSTANCE}
    assert shop.revision == "0001" and shop.columns("orders") == {"id", "email"}
    assert shop.query("SELECT name FROM dbmigrate.run WHERE direction = 'recovery'") == []
    assert [decision for decision in shop.cloud.decisions if not decision.allowed] == []


def test_everyone_is_told_its_figures(shop: Pipeline, passed: Drill) -> None:
    (mail,) = [mail for mail in shop.mails("team@example.com") if passed.name in mail.subject]
    assert "drill passed" in mail.subject
    assert "1,000,000 rows" in mail.body and "RTO:" in mail.body and "0003 in" in mail.body


def test_an_approver_sees_the_measured_beside_the_foretold(shop: Pipeline, passed: Drill) -> None:
    bundle = passed.record["rehearsal"]["bundle"]
    arn = shop.start(bundle)
    _, page = get(shop.link(arn))
    shop.decide(arn, "reject")
    shop.end(arn)
    part = page.partition("Rehearsed on a restored copy")[2].partition("<h2>")[0]
    assert passed.name in part and "the copy was verified" in part
    (row,) = [row for row in part.split("<tr>") if "share update exclusive" in row and " s<td>" in row]
    assert "public.orders" in row and "not foretold" not in row


def test_an_approver_reads_that_nobody_has_rehearsed_a_bundle(shop: Pipeline, passed: Drill) -> None:
    arn = shop.start(shop.bundle([ORDERS, NOTES]))
    _, page = get(shop.link(arn))
    shop.decide(arn, "reject")
    shop.end(arn)
    assert "Nobody has rehearsed this bundle on a restored copy" in page


def test_a_bundle_that_fails_on_real_rows_is_told_to_its_approvers(shop: Pipeline) -> None:
    bundle = shop.bundle([ORDERS, FEWER])
    failed = drill(shop, bundle=bundle)
    assert failed.outcome == "DrillFailed" and failed.record["where"] == "upgrade", failed
    assert "RevisionFailed" in failed.cause and "fewer" in failed.cause
    arn = shop.start(bundle)
    _, page = get(shop.link(arn))
    shop.decide(arn, "reject")
    shop.end(arn)
    assert "FAILED" in page and "fewer" in page.partition("Rehearsed on a restored copy")[2]
    assert instances(shop) == {INSTANCE}


def test_the_newest_moment_is_restored_on_request(shop: Pipeline, passed: Drill) -> None:
    shop.query(f"INSERT INTO orders (id, email) VALUES ({ROWS + 1}, 'late@example.com')")
    try:
        ending = drill(shop, time="latest", bundle=passed.record["rehearsal"]["bundle"])
        assert ending.outcome == "DrillPassed" and ending.record["rows"] == passed.record["rows"] + 1, ending
        assert ending.record["backup"]["snapshot"] is None
    finally:
        shop.query(f"DELETE FROM orders WHERE id = {ROWS + 1}")


def test_a_damaged_snapshot_fails_and_names_the_table(shop: Pipeline) -> None:
    damaged = snapshot(shop, "damaged")
    damage(shop, damaged, "orders")
    failed = drill(shop, snapshot=damaged)
    assert failed.outcome == "DrillFailed" and failed.record["where"] == "verify", failed
    assert "IntegrityFailed" in failed.cause and "orders" in failed.cause
    assert instances(shop) == {INSTANCE}
    assert kept(shop, "drills/staging/proved.json")["drill"] != failed.name


def test_an_abort_in_the_middle_leaves_no_copy(shop: Pipeline) -> None:
    shop.cloud.instances.next_restore_ends("creating")
    arn = start(shop, snapshot="db-migrate-a-million")
    assert cut_off(shop, arn)["outcome"] == "DrillFailed"
    assert instances(shop) == {INSTANCE}


def test_a_rehearsal_never_runs_on_the_database_itself(shop: Pipeline, passed: Drill) -> None:
    where, rehearsed = shop.server.endpoint, passed.record
    live = {"id": INSTANCE, "host": where.host, "port": where.port}
    event = {"drill": passed.name, "plan": rehearsed["plan"], "restored": live, "question": "upgrade"}
    answer, failed = shop.cloud.invoke("RehearseFunction", event | {"bundles": rehearsed["bundles"]})
    assert failed and answer["errorType"] == "WrongInstance"
    # nor under another name of it: IAM lets this function log in to copies alone
    live |= {"host": "localhost"}
    answer, failed = shop.cloud.invoke("RehearseFunction", event | {"bundles": [], "restored": live})
    assert failed and "rds-db:connect" in answer["errorMessage"]
    assert shop.revision == "0001"


def test_the_age_of_the_last_good_drill_is_measured(shop: Pipeline, passed: Drill) -> None:
    answer, failed = shop.cloud.invoke("RecordDrillFunction", {"question": "age"})
    assert failed is None and answer["drill"] and answer["age_seconds"] < 3600
