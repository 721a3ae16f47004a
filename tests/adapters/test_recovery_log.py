"""Records of recoveries lie in the bucket, where the newest is known without a name."""

from __future__ import annotations

from typing import Any

import pytest

from dbmigrate.adapters.recovery_log import S3RecoveryLog
from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.recovery import Record


@pytest.fixture
def log(s3: Any) -> S3RecoveryLog:
    return S3RecoveryLog(s3, "bundles")


def test_there_and_back(log: S3RecoveryLog) -> None:
    record = Record("r-1", "planned", {"kind": "recovery"}, {"planned": 1.0})
    log.put(record)
    assert log.get("r-1") == record
    log.put(record.reached("fenced", 2.0))
    assert (log.get("r-1") or record).phase == "fenced"


def test_nothing_is_known_of_others(log: S3RecoveryLog) -> None:
    assert (log.get("r-1"), log.latest()) == (None, None)


def test_the_newest_is_the_one_planned_last(log: S3RecoveryLog) -> None:
    first, second = Record("r-1", "planned", {}), Record("r-2", "planned", {})
    log.put(first)
    log.put(second)
    log.put(first.reached("abandoned", 3.0))  # a late word of an older one
    assert log.latest() == second


def test_a_name_leads_nowhere_else(log: S3RecoveryLog) -> None:
    with pytest.raises(BadRequest):
        log.get("../plans/1")
