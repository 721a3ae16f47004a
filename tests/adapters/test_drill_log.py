"""Drills lie in the bucket, and what one found of a bundle is found by the bundle's digest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dbmigrate.adapters.bundle_store import S3BundleStore
from dbmigrate.adapters.drill_log import S3DrillLog
from dbmigrate.domain.errors import BadRequest, BundleRejected

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def log(s3: Any) -> S3DrillLog:
    return S3DrillLog(s3, "bundles", "staging")


def test_there_and_back(log: S3DrillLog, s3: Any) -> None:
    log.put("d-1", {"drill": "d-1", "began": 1.5})
    log.point("latest", {"drill": "d-1"})
    assert log.get("d-1") == {"drill": "d-1", "began": 1.5} and log.pointer("latest") == {"drill": "d-1"}
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="bundles")["Contents"]]
    assert keys == ["drills/staging/d-1.json", "drills/staging/latest.json"]


def test_nothing_is_known_of_others(log: S3DrillLog) -> None:
    assert (log.get("d-1"), log.pointer("proved")) == (None, None)


def test_a_name_leads_nowhere_else(log: S3DrillLog) -> None:
    with pytest.raises(BadRequest):
        log.get("../../plans/1")
    with pytest.raises(BadRequest):
        log.put("../../plans/1", {})
    with pytest.raises(BundleRejected):
        log.put_of_bundle("../latest", {})


def test_the_page_finds_the_drill_of_its_bundle(log: S3DrillLog, s3: Any) -> None:
    store = S3BundleStore(s3, "bundles")
    assert store.drill_of(DIGEST) is None
    log.put_of_bundle(DIGEST, {"drill": "d-1"})
    assert store.drill_of(DIGEST) == {"drill": "d-1"}


def test_the_newest_bundles_come_first(log: S3DrillLog, monkeypatch: pytest.MonkeyPatch) -> None:
    began = datetime(2027, 1, 1, tzinfo=UTC)
    names = [letter * 64 for letter in "abc"]
    pages = [
        {"Contents": [entry(names[0], began), entry(names[1], began + timedelta(hours=2))]},
        {"Contents": [entry(names[2], began + timedelta(hours=1))]},
        {},
    ]
    monkeypatch.setattr(log, "_client", Pages(pages))
    assert log.newest_bundles(2) == [f"sha256:{names[1]}", f"sha256:{names[2]}"]


def entry(name: str, when: datetime) -> dict[str, Any]:
    return {"Key": f"bundles/{name}.tar.gz", "LastModified": when}


class Pages:
    """S3 that lists in pages."""

    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self.pages = pages

    def get_paginator(self, call: str) -> Pages:
        assert call == "list_objects_v2"
        return self

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        assert asked == {"Bucket": "bundles", "Prefix": "bundles/"}
        return self.pages
