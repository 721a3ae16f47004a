"""Which backup a drill takes, what it does to the copy, and what it leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.domain.evidences import DIGEST, history, seen
from tests.outward.fakes import NOW
from tests.outward.recovery_fakes import SNAPSHOT
from tests.service.drilling import ID, Drilling
from tests.service.fakes import FakeHistory

from dbmigrate.domain.drill import Held
from dbmigrate.domain.errors import (
    BundleRejected,
    DrillRefused,
    EditedRevision,
    RevisionFailed,
    UnknownRevision,
    VerificationFailed,
    WorkContinues,
    WrongInstance,
)
from dbmigrate.domain.instance import Copy
from dbmigrate.domain.progress import Progress
from dbmigrate.domain.recovery import check_recovery_unchanged
from dbmigrate.service.rehearse import verify_rehearsal

OTHER = "sha256:" + "b" * 64
WORK = Progress("backfill", "orders", "rows", 1, 1)


@pytest.fixture
def drilling() -> Drilling:
    return Drilling()


# ---- which backup
def test_the_newest_of_our_snapshots_that_is_available_is_taken(drilling: Drilling) -> None:
    newer = [Copy("db-migrate-2", "creating", "app", NOW - 10.0), Copy("rds:app-1", "available", "app", NOW)]
    drilling.instances.snapshots = [*newer, *drilling.instances.snapshots]
    planned = drilling.plan(requested_by="ada@example.com")
    plan = planned["plan"]
    assert (plan["snapshot"], plan["time"], plan["kind"], plan["kept"]) == (SNAPSHOT, None, "drill", "")
    assert plan["restored"] == "app-d-20270115-080000" and plan["requested_by"] == "ada@example.com"
    assert planned["backup"] == {
        "snapshot": SNAPSHOT, "time": None, "age_seconds": 3600.0, "rpo_seconds": 120.0,
    }  # fmt: skip
    assert (
        check_recovery_unchanged(plan, drilling.plans.get_plan(plan["digest"])).restored == plan["restored"]
    )


def test_the_newest_moment_is_taken_where_it_is_asked_for(drilling: Drilling) -> None:
    planned = drilling.plan(time="latest")
    assert planned["plan"]["snapshot"] is None and planned["plan"]["time"] == "2027-01-15T07:58:00+00:00"
    assert planned["backup"]["age_seconds"] == planned["backup"]["rpo_seconds"] == 120.0


@pytest.mark.parametrize(
    ("snapshots", "request_"),
    [
        ([], {}),
        ([Copy("rds:app-1", "available", "app", NOW)], {}),
        ([Copy("db-migrate-1", "failed", "app", NOW)], {}),
        ([Copy("db-migrate-1", "failed", "app", NOW)], {"snapshot": "db-migrate-1"}),
        ([Copy("db-migrate-1", "available", "another", NOW)], {"snapshot": "db-migrate-1"}),
        ([], {"snapshot": "db-migrate-1"}),
    ],
)
def test_without_a_backup_there_is_no_drill(
    drilling: Drilling, snapshots: list[Copy], request_: dict[str, str]
) -> None:
    drilling.instances.snapshots = snapshots
    with pytest.raises(DrillRefused, match="snapshot"):
        drilling.plan(**request_)
    assert drilling.plans.stored == {} and drilling.log.drills == {}


def test_without_retention_no_moment_can_be_restored(drilling: Drilling) -> None:
    drilling.instances.moments = (None, None)
    with pytest.raises(DrillRefused, match="retention|automated backups"):
        drilling.plan(time="latest")
    assert drilling.plan()["backup"]["rpo_seconds"] is None


def test_a_bundle_is_the_one_that_was_named_or_one_of_the_newest(drilling: Drilling) -> None:
    drilling.log.uploaded = [f"sha256:{number:064x}" for number in range(9)]
    assert drilling.plan()["bundles"] == drilling.log.uploaded[:5]
    assert drilling.plan(bundle=OTHER)["bundles"] == [OTHER]
    with pytest.raises(BundleRejected):
        drilling.plan(bundle="../plans/x")


def test_the_copy_of_a_drill_that_was_cut_off_is_found_again(drilling: Drilling) -> None:
    planned = drilling.plan()
    assert drilling.plan(ID, "discard-1", discard=ID) == planned
    # and of the execution that was to delete it and was cut off itself
    assert drilling.plan("discard-1", "discard-2", discard="discard-1") == planned
    with pytest.raises(DrillRefused, match="no drill"):
        drilling.plan("x", "discard-3", discard="x")


# ---- the rehearsal
def test_each_revision_is_run_and_measured(drilling: Drilling) -> None:
    drilling.plan()
    drilling.locks = [Held("public.users", "ACCESS EXCLUSIVE", 1.25, "ALTER TABLE users ADD note text")]
    first = drilling.rehearse()
    assert (first["status"], first["revision"], first["completed"], first["total"]) == ("applied", "b2", 1, 2)
    second = drilling.rehearse(first)
    assert (second["status"], second["revision"], second["completed"]) == ("done", "c3", 2)
    assert drilling.copy.current() == ("c3",)
    rehearsal = drilling.log.drills[ID]["rehearsal"]
    assert (rehearsal["bundle"], rehearsal["from"], rehearsal["to"]) == (DIGEST, "a1", "c3")
    assert [(one["revision"], one["seconds"], one["lock_waits"]) for one in rehearsal["revisions"]] == [
        ("b2", 1.5, 2),
        ("c3", 1.5, 2),
    ]
    assert rehearsal["revisions"][0]["locks"][0]["seconds"] == 1.25


def test_a_lost_answer_is_asked_again_and_counted_once(drilling: Drilling) -> None:
    drilling.plan()
    drilling.rehearse()
    again = drilling.rehearse()
    assert again["revision"] == "c3" and again["status"] == "done"
    assert drilling.rehearse(again)["status"] == "done"
    measured = drilling.log.drills[ID]["rehearsal"]["revisions"]
    assert [one["revision"] for one in measured] == ["b2", "c3"]


def test_work_that_goes_on_is_timed_from_its_beginning(drilling: Drilling) -> None:
    drilling.plan()
    drilling.locks = [Held("public.users", "ROW EXCLUSIVE", 0.5)]
    drilling.copy.fails["b2"] = WorkContinues(WORK, 15)
    working = drilling.rehearse()
    assert (working["status"], working["wait"], working["revision"]) == ("working", 15, "b2")
    del drilling.copy.fails["b2"]
    drilling.now += 90
    drilling.locks = [Held("public.users", "ROW EXCLUSIVE", 0.2), Held("public.users", "SHARE", 0.1)]
    assert drilling.rehearse(working)["seconds"] == 90.0
    (measured,) = drilling.log.drills[ID]["rehearsal"]["revisions"]
    assert measured["seconds"] == 90.0
    assert [(lock["mode"], lock["seconds"]) for lock in measured["locks"]] == [
        ("SHARE", 0.1),
        ("ROW EXCLUSIVE", 0.5),
    ]


def test_the_newest_bundle_that_has_more_than_the_copy_is_tried(drilling: Drilling) -> None:
    done, more = history(seen("a1")), history(seen("a1"), seen("z9", ("a1",)))
    elsewhere = history(seen("q1"), seen("q2", ("q1",)))
    digests = ["sha256:" + letter * 64 for letter in "def"]
    for digest, evidence in zip(digests, (elsewhere, done, more), strict=True):
        drilling.histories[digest] = FakeHistory(evidence)
    drilling.copy.history = drilling.histories[digests[2]]
    assert drilling.rehearse(bundles=digests)["revision"] == "z9"


def test_nothing_pending_is_nothing_to_rehearse(drilling: Drilling) -> None:
    assert drilling.rehearse(bundles=[])["status"] == "none"
    drilling.to_the_end()
    assert drilling.rehearse()["status"] == "none"


def test_a_bundle_that_was_named_must_fit(drilling: Drilling) -> None:
    drilling.histories[OTHER] = FakeHistory(history(seen("q1")))
    with pytest.raises(UnknownRevision):
        drilling.rehearse(bundles=[OTHER])
    drilling.histories[DIGEST].edited.add("a1")
    with pytest.raises(EditedRevision):
        drilling.rehearse()


def test_nothing_is_tried_where_the_drill_left_no_mark(drilling: Drilling) -> None:
    drilling.copy.marks.clear()
    with pytest.raises(WrongInstance):
        drilling.rehearse()
    with pytest.raises(WrongInstance):
        verify_rehearsal(ID, {"bundle": DIGEST, "from": "a1", "to": "c3"}, drilling.ports)
    assert drilling.copy.current() == ("a1",)


def test_the_upgraded_copy_must_be_what_the_evidence_says(drilling: Drilling) -> None:
    rehearsal = drilling.to_the_end()
    assert "catalog" in verify_rehearsal(ID, rehearsal, drilling.ports)["checks"]
    drilling.copy.invalid = ["public.broken"]
    with pytest.raises(VerificationFailed, match="broken"):
        verify_rehearsal(ID, rehearsal, drilling.ports)


# ---- the record
def test_a_drill_that_passed_is_told_in_its_parts(drilling: Drilling) -> None:
    drilling.plan()
    drilling.to_the_end()
    report = drilling.record("DrillPassed")
    assert report["rto"] == {"restore": 60.0, "verify": 10.0, "upgrade": 4.5, "total": 74.5}
    assert (report["rows"], report["bytes"], report["bundle"]) == (7, 9, DIGEST)
    assert report["backup"]["rpo_seconds"] == 120.0
    assert report["revisions"] == [{"revision": "b2", "seconds": 1.5}, {"revision": "c3", "seconds": 1.5}]
    assert drilling.meter.emitted == [("DrillSeconds", 74.5)]
    kept = drilling.log.drills[ID]
    assert drilling.log.pointers["latest"] == kept
    assert drilling.log.of_bundles[DIGEST]["verdict"] == "DrillPassed"
    assert drilling.log.pointers["proved"] == {"drill": ID, "ended": NOW}


@pytest.mark.parametrize(("where", "proved"), [("restore", False), ("verify", False), ("upgrade", True)])
def test_a_bundle_that_fails_says_nothing_against_the_backup(
    drilling: Drilling, where: str, proved: bool
) -> None:
    drilling.plan()
    failure = {"Error": "RevisionFailed", "Cause": "c3: no"}
    drilling.record("DrillFailed", where=where, failure=failure)
    assert ("proved" in drilling.log.pointers) == proved
    assert ("DrillFailures", 1) in drilling.meter.emitted
    assert drilling.log.drills[ID]["failure"] == failure


def test_approvers_learn_of_a_bundle_that_failed_at_its_first_revision(drilling: Drilling) -> None:
    drilling.plan()
    drilling.copy.fails["b2"] = RevisionFailed("b2: duplicate key")
    with pytest.raises(RevisionFailed):
        drilling.rehearse()
    drilling.record("DrillFailed", failure={"Error": "RevisionFailed", "Cause": "b2: duplicate key"})
    assert drilling.log.of_bundles[DIGEST]["failure"]["Cause"] == "b2: duplicate key"


def test_a_drill_that_was_never_planned_is_recorded_too(drilling: Drilling) -> None:
    event = {"where": "choose", "verdict": None, "times": {"began": 1}, "integrity": {}}
    drilling.record("DrillRefused", failure={"Error": "DrillRefused", "Cause": "no snapshot"}, **event)
    assert drilling.log.pointers["latest"]["outcome"] == "DrillRefused"
    assert "proved" not in drilling.log.pointers and drilling.log.of_bundles == {}


def test_what_was_cut_off_has_failed(drilling: Drilling) -> None:
    drilling.plan()
    drilling.record("DrillDiscarded", verdict=None)
    assert drilling.log.drills[ID]["outcome"] == "DrillFailed"
    assert drilling.meter.emitted == [("DrillFailures", 1)]


def test_a_copy_that_is_deleted_later_does_not_change_the_verdict(drilling: Drilling) -> None:
    drilling.plan()
    drilling.record("DrillLeftBehind", verdict="DrillPassed")
    drilling.meter.emitted.clear()
    drilling.record("DrillDiscarded", verdict=None)
    kept = drilling.log.drills[ID]
    assert (kept["outcome"], kept["verdict"], kept["discarded"]) == ("DrillLeftBehind", "DrillPassed", NOW)
    assert drilling.meter.emitted == []


# ---- how long ago
def test_the_age_counts_from_the_last_backup_that_was_proved(drilling: Drilling) -> None:
    drilling.plan()
    drilling.record("DrillPassed")
    drilling.now += 1000
    drilling.record("DrillFailed", where="restore")
    drilling.now += 500
    assert drilling.measure() == {"drill": ID, "age_seconds": 1500}
    assert drilling.meter.emitted[-1] == ("DrillAgeSeconds", 1500.0)


def test_before_the_first_drill_it_counts_from_the_first_question(drilling: Drilling) -> None:
    assert drilling.measure() == {"drill": None, "age_seconds": 0}
    drilling.now += 86_400
    assert drilling.measure()["age_seconds"] == 86_400


def test_a_moment_that_rds_knows_later_than_we_do_is_no_age_below_nothing(drilling: Drilling) -> None:
    newest = drilling.instances.snapshots[0]
    drilling.instances.snapshots = [replace(newest, taken=NOW + 5.0)]
    assert drilling.plan()["backup"]["age_seconds"] == 0.0
