"""Old backups go, once told, and one that cannot be deleted stops none of the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.outward.fakes import NOW, FakeMessages, Meter
from tests.outward.recovery_fakes import FakeLog

from dbmigrate.domain.backup import Snapshot, own_tags
from dbmigrate.domain.errors import BackupFailed
from dbmigrate.domain.recovery import Record
from dbmigrate.runtime import wiring
from dbmigrate.service.prune_backups import prune_backups

DAY = 86_400


class Shelf:
    """The snapshots of one Region; some of them cannot be deleted."""

    def __init__(self, region: str, snapshots: list[Snapshot], stuck: tuple[str, ...] = ()) -> None:
        self.region, self.snapshots, self.stuck = region, {one.id: one for one in snapshots}, stuck

    def all(self) -> list[Snapshot]:
        return list(self.snapshots.values())

    def delete(self, snapshot: str) -> None:
        if snapshot in self.stuck:
            raise BackupFailed("RDS answers InvalidDBSnapshotState: somebody copies it")
        del self.snapshots[snapshot]


class Runs:
    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def running(self) -> list[str]:
        return self.names


def backups(count: int = 5, ending: str = "") -> list[Snapshot]:
    tags = own_tags("staging", "eu-west-1")
    return [
        Snapshot(
            f"db-migrate-{n}-1{ending}",
            "available",
            100,
            tags | {"run": f"r{n}"},
            created=NOW - (9 - n) * DAY,
        )
        for n in range(count)
    ]


def prune(
    *shelves: Shelf,
    runs: tuple[str, ...] = (),
    recoveries: tuple[str, ...] = (),
    drills: tuple[str, ...] = (),
    latest: Record | None = None,
) -> tuple[dict, FakeMessages, Meter]:
    messages, meter = FakeMessages(), Meter()
    log = FakeLog()
    if latest:
        log.records[latest.recovery], log.newest = latest, latest.recovery
    restores = (Runs(*recoveries), Runs(*drills))
    done = prune_backups("staging", 2, shelves, Runs(*runs), restores, log, messages, NOW, meter)
    return done, messages, meter


def test_the_last_stay_and_everyone_is_told_once() -> None:
    home, away = Shelf("eu-west-1", backups()), Shelf("eu-central-1", backups(ending="-copy"))
    done, messages, meter = prune(home, away)
    assert list(home.snapshots) == ["db-migrate-3-1", "db-migrate-4-1"]
    assert list(away.snapshots) == ["db-migrate-3-1-copy", "db-migrate-4-1-copy"]
    ((subject, text),) = messages.notices
    assert subject == "[db-migrate] staging: 6 old backups deleted"
    assert all(name in text for name in done["deleted"]) and len(done["deleted"]) == 6
    assert meter.emitted == [("BackupsDeleted", 6), ("BackupsNotDeleted", 0)]


def test_nothing_to_delete_is_nothing_to_tell() -> None:
    done, messages, meter = prune(Shelf("eu-west-1", backups(2)))
    assert (done, messages.notices, meter.emitted) == ({"deleted": [], "remain": []}, [], [])


def test_one_that_cannot_be_deleted_is_told_and_stops_nobody() -> None:
    shelf = Shelf("eu-west-1", backups(), stuck=("db-migrate-0-1",))
    done, messages, meter = prune(shelf)
    assert done == {"deleted": ["db-migrate-1-1", "db-migrate-2-1"], "remain": ["db-migrate-0-1"]}
    assert "somebody copies it" in messages.notices[0][1] and "could NOT be" in messages.notices[0][0]
    assert meter.emitted == [("BackupsDeleted", 2), ("BackupsNotDeleted", 1)]


def test_a_run_s_name_is_compared_as_its_tag_says_it() -> None:
    kept = replace(backups()[0], tags=backups()[0].tags | {"run": "a_b"})
    shelf = Shelf("eu-west-1", [kept, *backups()[1:]])
    assert "db-migrate-0-1" not in prune(shelf, runs=("a,b",))[0]["deleted"]


@pytest.mark.parametrize("at_work", ["recoveries", "drills"])
def test_while_something_is_restored_everything_stays(at_work: str) -> None:
    shelf = Shelf("eu-west-1", backups())
    done, messages, _ = prune(shelf, **{at_work: ("staging-1",)})
    assert done["deleted"] == [] and len(shelf.snapshots) == 5 and messages.notices == []


@pytest.mark.parametrize(("phase", "stays"), [("fenced", True), ("swapping", True), ("opened", False)])
def test_what_a_cut_recovery_goes_back_to_stays_until_it_is_over(phase: str, stays: bool) -> None:
    home, away = Shelf("eu-west-1", backups()), Shelf("eu-central-1", backups(ending="-copy"))
    cut = Record("staging-recovery-1", phase, {"snapshot": "db-migrate-0-1"})
    done, _, _ = prune(home, away, latest=cut)
    assert ("db-migrate-0-1" in home.snapshots) is ("db-migrate-0-1-copy" in away.snapshots) is stays
    assert "db-migrate-1-1" in done["deleted"]


@pytest.fixture
def rds(aws):
    client = wiring.client("rds")
    client.create_db_instance(DBInstanceIdentifier="app", DBInstanceClass="db.t3.micro", Engine="postgres")
    return client


def test_the_function_finds_its_own_in_rds(rds, function, monkeypatch) -> None:
    monkeypatch.setenv("BACKUPS_KEPT", "1")
    machine = wiring.client("stepfunctions")
    definition = '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    role = "arn:aws:iam::123456789012:role/any"
    for name in ("db-migrate-staging", "db-migrate-recovery-staging", "db-migrate-drill-staging"):
        machine.create_state_machine(name=name, definition=definition, roleArn=role)
    for number in (1, 2):
        wiring.backups().start(
            f"db-migrate-{number}", own_tags("staging", "eu-west-1") | {"run": f"r{number}"}
        )
    rds.create_db_snapshot(DBInstanceIdentifier="app", DBSnapshotIdentifier="somebody-elses")
    assert function("prune_backups").handler({}, None) == {"deleted": [], "remain": []}
    monkeypatch.setattr("dbmigrate.domain.retention.YOUNGEST", 0)
    gone = function("prune_backups").handler({}, None)["deleted"]
    assert len(gone) == 1 and gone[0].startswith("db-migrate-")
    assert {one.id for one in wiring.backups().all()} == {
        "db-migrate-1",
        "db-migrate-2",
        "somebody-elses",
    } - {*gone}
    wiring.backups().delete(gone[0])  # gone is gone
