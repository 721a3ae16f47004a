"""Backups: names, tags, joining one's own, refusing another's; an RDS instance and an Aurora cluster."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from tests.outward.fakes import NOW, FakeBackups, FakeCopies, Meter, make_plan

from dbmigrate.adapters.backups import ClusterBackups, InstanceBackups
from dbmigrate.domain.backup import refuse_other_database, snapshot_id, snapshot_tags
from dbmigrate.domain.errors import BackupFailed, BackupUnseen, DatabaseBusy, Misconfigured
from dbmigrate.runtime import wiring
from dbmigrate.service.check_backup import check_backup
from dbmigrate.service.start_backup import start_backup

RUN = "staging-aaaaaaaaaaaa-2"
PLAN = make_plan().slim()
EVENT = {"run": RUN, "plan": PLAN, "previous": {"status": "none"}}
FIRST = f"db-migrate-{RUN}-1"


@pytest.fixture(params=["instance", "cluster"])
def database(aws, request, monkeypatch):
    """An RDS instance or an Aurora cluster, and the function's variables naming it."""
    rds = wiring.client("rds")
    common = {
        "Engine": "aurora-postgresql" if request.param == "cluster" else "postgres",
        "MasterUsername": "app",
    }
    if request.param == "cluster":
        monkeypatch.setenv("DATABASE_INSTANCE", "")
        monkeypatch.setenv("DATABASE_CLUSTER", "app")
        rds.create_db_cluster(DBClusterIdentifier="app", MasterUserPassword="secret123", **common)
    else:
        rds.create_db_instance(DBInstanceIdentifier="app", DBInstanceClass="db.t3.micro", **common)
    return request.param


def test_a_backup_is_started_tagged_and_seen(database, function) -> None:
    backup = function("start_backup").handler(EVENT, None)
    assert (backup["id"], backup["kind"]) == (FIRST, database)
    assert backup["point_in_time"]["days"] == 1 and backup["point_in_time"]["gap"] is None
    assert wiring.backups().look(FIRST).tags == {
        "db-migrate": "backup",
        "run": RUN,
        "environment": "staging",
        "region": "eu-west-1",
        "revisions": "rev1",
        "bundle": "sha256:" + "a" * 64,
        "plan": PLAN["digest"],
    }
    checked = function("check_backup").handler({"run": RUN, "backup": backup}, None)
    assert checked == {"status": "available", "percent": 100, "said": "available"}


def test_what_somebody_noted_on_a_backup_reaches_those_who_rely_on_it(database, function) -> None:
    wiring.backups().start(FIRST, {"run": RUN, "note": "taken during the restore test"})
    checked = function("check_backup").handler({"run": RUN, "backup": {"id": FIRST}}, None)
    assert checked["note"] == "taken during the restore test"


def test_a_retry_joins_its_own_backup(database, function) -> None:
    start = function("start_backup").handler
    assert start(EVENT, None)["id"] == start(EVENT, None)["id"] == FIRST


def test_a_backup_that_grew_old_gets_a_successor(database, function) -> None:
    start = function("start_backup").handler
    old = start(EVENT, None) | {"status": "available"}
    assert start(EVENT | {"previous": old}, None)["id"] == f"db-migrate-{RUN}-2"


def test_the_snapshot_of_another_run_is_no_backup(database, function) -> None:
    wiring.backups().start(FIRST, {"run": "somebody-else"})
    backup = function("start_backup").handler(EVENT, None)
    with pytest.raises(BackupFailed, match="its tag says 'somebody-else'"):
        function("check_backup").handler({"run": RUN, "backup": backup}, None)


def test_a_snapshot_that_is_gone_is_a_failure(database, function) -> None:
    with pytest.raises(BackupFailed, match=FIRST):
        function("check_backup").handler({"run": RUN, "backup": {"id": FIRST}}, None)


class Refusing:
    """A client of RDS that refuses every call."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, code: str) -> None:
        self.code = code

    def __getattr__(self, call):
        def refuse(**_):
            raise ClientError({"Error": {"Code": self.code, "Message": "not now"}}, call)

        return refuse


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("InvalidDBInstanceState", "a backup or change of it is under way"),
        ("InvalidDBClusterStateFault", "a backup or change of it is under way"),
        ("SnapshotQuotaExceeded", "RDS answers SnapshotQuotaExceeded: not now\nNext: delete snapshots that"),
    ],
)
@pytest.mark.parametrize("kind", [InstanceBackups, ClusterBackups])
def test_what_rds_refuses_is_said(kind, code, said) -> None:
    with pytest.raises((BackupFailed, DatabaseBusy), match=said):
        kind(Refusing(code), "app").start(FIRST, {})


@pytest.mark.parametrize("kind", [InstanceBackups, ClusterBackups])
def test_silence_is_no_verdict(kind) -> None:
    """The state machine asks again; what is gone or failed it does not ask again."""
    with pytest.raises(BackupUnseen, match="RDS answers Throttling: not now"):
        kind(Refusing("Throttling"), "app").look(FIRST)


@pytest.mark.parametrize(
    ("kind", "code"),
    [(InstanceBackups, "DBInstanceNotFound"), (ClusterBackups, "DBClusterNotFoundFault")],
)
def test_a_database_that_rds_does_not_know_is_named(kind, code) -> None:
    with pytest.raises(BackupFailed, match="moments of app are not known.*\nNext: set DatabaseInstance"):
        kind(Refusing(code), "app").window()


def started(backups: FakeBackups, point_in_time: str = "required", meter: Meter | None = None) -> dict:
    return start_backup(EVENT, backups, point_in_time, NOW, meter or Meter())


def checked(backups: FakeBackups, meter: Meter | None = None) -> dict:
    return check_backup({"run": RUN, "backup": {"id": FIRST}}, backups, FakeCopies(), meter or Meter())


@pytest.mark.parametrize(
    ("status", "word"),
    [("creating", "creating"), ("copying", "creating"), ("odd", "creating"), ("available", "available")],
)
def test_the_state_machine_gets_one_of_two_words(status: str, word: str) -> None:
    backups = FakeBackups(status)
    started(backups)
    assert (checked(backups)["status"], checked(backups)["said"]) == (word, status)


@pytest.mark.parametrize("status", ["failed", "deleting", "deleted"])
def test_what_will_never_be_available_is_a_failure(status: str) -> None:
    backups, meter = FakeBackups(status), Meter()
    started(backups)
    with pytest.raises(BackupFailed, match=f"{FIRST} is of no use: RDS calls it {status}.\nNext: see why"):
        checked(backups, meter)
    assert meter.emitted == [("BackupFailures", 1)]


@pytest.mark.parametrize(
    ("days", "behind", "why"),
    [
        (
            0,
            120,
            "keeps no automated backups .* Next: aws rds modify-db-instance --db-instance-identifier app",
        ),
        (7, 16 * 60, "only to 2027-01-15 07:44 UTC, 16 minutes ago.* Next: see why: aws rds describe-events"),
    ],
)
def test_nothing_begins_without_a_way_to_every_moment(days: int, behind: float, why: str) -> None:
    backups, meter = FakeBackups(), Meter()
    backups.days, backups.behind = days, behind
    with pytest.raises(BackupFailed) as failed:
        started(backups, meter=meter)
    said = str(failed.value).replace("\n", " ")
    assert re.search(why, said) and "db-migrate --environment staging deploy" in said
    assert "PointInTime=optional" in said
    assert backups.tags == {} and meter.emitted == [("BackupFailures", 1)]


def test_a_team_may_make_do_with_snapshots() -> None:
    backups = FakeBackups()
    backups.days = 0
    found = started(backups, "optional")["point_in_time"]
    assert list(backups.tags) == [FIRST] and "BackupRetentionPeriod is 0" in found["gap"]


def test_retention_is_read_from_rds(aws, function) -> None:
    wiring.client("rds").create_db_instance(
        DBInstanceIdentifier="app", DBInstanceClass="db.t3.micro", Engine="postgres", BackupRetentionPeriod=0
    )
    with pytest.raises(BackupFailed, match="app keeps no automated backups"):
        function("start_backup").handler(EVENT, None)
    with pytest.raises(BackupFailed, match="is gone"):
        wiring.backups().look(FIRST)


def test_every_failure_is_counted() -> None:
    backups, meter = FakeBackups(failure=BackupFailed("no")), Meter()
    for call in (lambda: started(backups, meter=meter), lambda: checked(backups, meter)):
        with pytest.raises(BackupFailed):
            call()
    assert meter.emitted == [("BackupFailures", 1)] * 2


def test_a_busy_database_is_no_failure_yet() -> None:
    """The state machine tries again; the notice counts it when it gives up."""
    backups, meter = FakeBackups(failure=DatabaseBusy("backing-up")), Meter()
    with pytest.raises(DatabaseBusy):
        started(backups, meter=meter)
    assert meter.emitted == []


RDS = "abc123.eu-central-1.rds.amazonaws.com"


@pytest.mark.parametrize(
    ("host", "kind", "name"),
    [
        (f"app.{RDS}", "instance", "App"),
        (f"app.cluster-{RDS}", "cluster", "app"),
        (f"app-writer-1.{RDS}", "cluster", "app"),
        ("127.0.0.1", "instance", "app"),
        (f"app.{RDS}.cn", "instance", "app"),
    ],
)
def test_the_backup_is_of_the_database_that_is_migrated(host: str, kind: str, name: str) -> None:
    refuse_other_database(host, kind, name)


@pytest.mark.parametrize(
    ("host", "kind"),
    [(f"app.{RDS}", "instance"), (f"app.cluster-{RDS}", "cluster"), (f"app.{RDS}.cn", "instance")],
)
def test_a_backup_of_another_database_is_none(host: str, kind: str) -> None:
    with pytest.raises(Misconfigured, match=f"would be of {kind} app-staging"):
        refuse_other_database(host, kind, "app-staging")


@pytest.mark.parametrize("run", ["staging-1", "a_b..c--d", "-x-", "R" * 80])
def test_names_are_what_rds_takes(run: str) -> None:
    name = snapshot_id(run, {})
    assert name[0].isalpha() and "--" not in name and not name.endswith("-") and len(name) <= 255
    assert all(character.isalnum() or character == "-" for character in name)


def test_tags_are_what_rds_takes() -> None:
    plan = PLAN | {"pending": [f"{n:012x}" for n in range(40)], "environment": "sta,ging!"}
    tags = snapshot_tags("run", plan, "eu-west-1")
    assert all(len(value) <= 256 for value in tags.values())
    assert tags["revisions"] == "000000000000 to 000000000027 = 40 revisions"
    assert tags["environment"] == "sta_ging_"
