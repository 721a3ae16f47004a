"""What RDS needs to restore to a moment, and how a run's backup reads."""

from __future__ import annotations

import pytest

from dbmigrate.domain.backup_words import backup_words, point_in_time_line, point_in_time_words
from dbmigrate.domain.errors import BackupFailed
from dbmigrate.domain.point_in_time import MOST_BEHIND, RestoreWindow, checked_window

NOW = 1_800_000_000.0


def window(days: int = 7, behind: float | None = 60, kind: str = "instance") -> RestoreWindow:
    return RestoreWindow("app", kind, days, None if behind is None else NOW - behind)


@pytest.mark.parametrize("behind", [0, MOST_BEHIND])
def test_a_working_archive_has_no_gap(behind: float) -> None:
    found = checked_window(window(behind=behind), "required", "staging", NOW)
    assert found["days"] == 7 and found["gap"] is None and found["until"].startswith("2027-01-15T0")


@pytest.mark.parametrize(
    ("bad", "why", "advice"),
    [
        (window(0), "keeps no automated backups", "modify-db-instance --db-instance-identifier app"),
        (window(0, None, "cluster"), "keeps no automated", "modify-db-cluster --db-cluster-identifier app"),
        (window(behind=None), "names no moment yet", "describe-events --source-type db-instance"),
        (
            window(behind=MOST_BEHIND + 1, kind="cluster"),
            "15 minutes 1 second ago",
            "--source-type db-cluster",
        ),
    ],
)
def test_a_gap_is_refused_or_carried_along(bad: RestoreWindow, why: str, advice: str) -> None:
    with pytest.raises(BackupFailed) as failed:
        checked_window(bad, "required", "production", NOW)
    assert why in failed.value.message and advice in failed.value.hint
    assert "db-migrate --environment production deploy" in failed.value.hint
    assert why in checked_window(bad, "optional", "production", NOW)["gap"]


def test_words_of_a_backup() -> None:
    found = checked_window(window(), "required", "staging", NOW)
    copy = {"id": "b-copy", "region": "eu-central-1", "status": "available", "percent": 100}
    backup = {"id": "b", "status": "available", "point_in_time": found, "copy": copy, "shared_with": "21"}
    assert backup_words(backup) == ("Available", "b, its copy in eu-central-1, shared with 21")
    assert point_in_time_words(backup)[0] == "Any moment of the last 7 days"
    assert point_in_time_line(backup) == (
        "any moment of the last 7 days, until 2027-01-15 07:59 UTC when the backup began; "
        "RDS goes on adding to it"
    )
    assert backup_words({"id": "b", "status": "available", "note": "holds NO DATA"})[1] == "b, holds NO DATA"
    assert backup_words({}) == ("None", "") and point_in_time_line({}) == ""


def test_words_of_a_gap_and_of_a_copy_under_way() -> None:
    found = checked_window(window(0), "optional", "staging", NOW)
    copy = {"region": "eu-central-1", "status": "creating"}
    backup = {"id": "b", "status": "creating", "point_in_time": found, "copy": copy}
    assert backup_words(backup) == ("Creating", "b, its copy in eu-central-1, creating")
    assert point_in_time_line(backup).startswith("none, the snapshot only: app keeps no automated backups")
