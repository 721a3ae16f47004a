"""Which backups go: those that nobody keeps, and never one that is not ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbmigrate.domain.backup import Snapshot, copy_id, own_tags
from dbmigrate.domain.retention import (
    YOUNGEST,
    Deletion,
    dispensable,
    kept_by_tag,
    pruning_subject,
    pruning_text,
)

NOW = 1_800_000_000.0
DAY = 86_400
OURS = own_tags("staging", "eu-west-1")


def backup(number: int, days: float, status: str = "available", **tags: str) -> Snapshot:
    """A backup of the run ``staging-NUMBER``, so many days old."""
    own = OURS | {"run": f"staging-{number}"} | tags
    return Snapshot(f"db-migrate-staging-{number}-1", status, 100, own, created=NOW - days * DAY)


OLD = [backup(number, days=30 - number) for number in range(6)]


def numbers(snapshots: list[Snapshot], kept: int = 2, running: tuple[str, ...] = ()) -> list[str]:
    spared = kept_by_tag(snapshots)
    found = dispensable(snapshots, OURS, kept, running, spared, NOW)
    return [snapshot.tags["run"].removeprefix("staging-") for snapshot in found]


def test_the_newest_are_kept_and_the_oldest_go_first() -> None:
    assert numbers(OLD[::-1], kept=2) == ["0", "1", "2", "3"]
    assert numbers(OLD, kept=6) == numbers(OLD, kept=9) == []


@pytest.mark.parametrize(
    "foreign",
    [
        {"db-migrate": "something else"},
        {"environment": "production"},
        {"region": "us-east-1"},
    ],
)
def test_what_is_not_ours_is_neither_deleted_nor_counted(foreign: dict[str, str]) -> None:
    assert numbers([*OLD, backup(7, 40, **foreign), backup(8, 2, **foreign)]) == ["0", "1", "2", "3"]


def test_a_snapshot_without_tags_is_not_ours() -> None:
    bare = replace(OLD[0], tags={})
    assert dispensable([bare, *OLD[1:]], OURS, 5, (), (), NOW) == []


def test_what_is_tagged_keep_stays_whatever_the_value() -> None:
    assert numbers([replace(OLD[0], tags=OLD[0].tags | {"keep": ""}), *OLD[1:]]) == ["1", "2", "3"]


def test_keeping_the_original_keeps_the_copy_and_the_other_way_round() -> None:
    original = replace(OLD[0], tags=OLD[0].tags | {"keep": "audit"})
    copies = [replace(one, id=copy_id(one.id)) for one in OLD]
    spared = kept_by_tag([original, *OLD[1:], *copies])
    left = dispensable(copies, OURS, 2, (), spared, NOW)
    assert [one.id for one in left] == [copy_id(one.id) for one in OLD[1:4]]


def test_copies_beside_their_originals_are_counted_apart() -> None:
    copies = [replace(one, id=copy_id(one.id), created=one.created + 60) for one in OLD]
    assert numbers([*OLD, *copies], kept=5) == ["0", "0"]


def test_the_backup_of_a_run_that_has_not_ended_stays() -> None:
    assert numbers(OLD, running=("staging-0",)) == ["1", "2", "3"]


@pytest.mark.parametrize(("age", "goes"), [(YOUNGEST - 1, []), (YOUNGEST, ["9"])])
def test_what_is_younger_than_a_day_stays(age: float, goes: list[str]) -> None:
    young = [backup(number, days=0.1) for number in (10, 11)]
    assert numbers([backup(9, days=age / DAY), *young]) == goes


def test_what_failed_takes_nobody_s_place() -> None:
    failed = [backup(number, days=2, status="failed") for number in (7, 8)]
    assert numbers([*OLD, *failed]) == ["0", "1", "2", "3", "7", "8"]


@pytest.mark.parametrize("status", ["creating", "copying", "deleting", "odd"])
def test_what_is_being_worked_on_is_left_alone(status: str) -> None:
    assert numbers([replace(OLD[0], status=status), *OLD[1:]]) == ["1", "2", "3"]


def test_what_has_no_time_yet_is_left_alone() -> None:
    assert numbers([replace(OLD[0], created=0.0), *OLD[1:]]) == ["1", "2", "3"]


def test_the_notice_names_what_went_and_what_could_not() -> None:
    went = Deletion(backup(1, 30, revisions="0001 0002"), "eu-west-1")
    stays = Deletion(backup(2, 29), "eu-central-1", "RDS answers InvalidDBSnapshotState: in use")
    assert pruning_subject("staging", [went]) == "[db-migrate] staging: 1 old backup deleted"
    assert pruning_subject("staging", [went, stays]).endswith("1 old backup deleted, 1 could NOT be")
    text = pruning_text("staging", 14, [went, stays])
    assert "Deleted:\n  db-migrate-staging-1-1  eu-west-1  2026-12-16 08:00 UTC  0001 0002\n" in text
    assert "tomorrow:\n  db-migrate-staging-2-1  eu-central-1  " in text
    assert "\n    RDS answers InvalidDBSnapshotState: in use\n" in text
    assert "newest 14" in text and "Key=keep,Value=WHY" in text
