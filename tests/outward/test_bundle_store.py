"""Bundles, plans and proofs in S3."""

from __future__ import annotations

import pytest
from tests.outward.fakes import make_plan

from dbmigrate.adapters import bundle_store
from dbmigrate.adapters.bundle_store import S3BundleStore
from dbmigrate.domain.errors import BundleRejected, PlanOutdated
from dbmigrate.runtime import wiring

DIGEST = "sha256:" + "b" * 64


@pytest.fixture
def store(aws) -> S3BundleStore:
    return wiring.bundle_store()


def test_a_bundle_comes_back_by_its_digest(store) -> None:
    store.put_bundle(DIGEST, b"archive")
    assert store.get_bundle(DIGEST) == b"archive"


def test_a_missing_bundle_says_where_it_was_looked_for(store) -> None:
    with pytest.raises(BundleRejected, match=f"s3://bundles/bundles/{'b' * 64}.tar.gz"):
        store.get_bundle(DIGEST)


def test_a_huge_bundle_is_not_read(store, monkeypatch) -> None:
    monkeypatch.setattr(bundle_store, "MOST_BYTES", 5)
    store.put_bundle(DIGEST, b"too much")
    with pytest.raises(BundleRejected, match="8 bytes; 5 are the most"):
        store.get_bundle(DIGEST)


@pytest.mark.parametrize("digest", ["", "sha256:../../plans/x", "b" * 64, "sha256:" + "B" * 64])
def test_what_is_no_digest_names_no_object(store, digest: str) -> None:
    for call in (
        store.get_bundle,
        store.get_plan,
        lambda d: store.put_bundle(d, b""),
        lambda d: store.has_succeeded("staging", d),
    ):
        with pytest.raises(BundleRejected):
            call(digest)


def test_a_plan_comes_back_with_its_digest(store) -> None:
    plan = make_plan()
    store.put_plan(plan.digest, plan.to_json())
    assert store.get_plan(plan.digest) == plan.to_json()
    with pytest.raises(PlanOutdated):
        store.get_plan(DIGEST)


def test_success_is_proved_to_the_next_environment_only(store) -> None:
    S3BundleStore(wiring.client("s3"), "before").record_success("staging", DIGEST, {"run": "r"})
    assert store.has_succeeded("staging", DIGEST)
    assert not store.has_succeeded("production", DIGEST)
    assert not S3BundleStore(wiring.client("s3"), "before").has_succeeded("staging", DIGEST)
    assert not S3BundleStore(wiring.client("s3"), "bundles", "absent").has_succeeded("staging", DIGEST)


def test_what_was_undone_there_is_proved_no_longer(store) -> None:
    before = S3BundleStore(wiring.client("s3"), "before")
    before.record_success("staging", DIGEST, {"run": "r"})
    before.withdraw_success("staging", DIGEST, "staging-rollback-1")
    assert not store.has_succeeded("staging", DIGEST)
    before.record_success("staging", DIGEST, {"run": "r-2"})
    assert store.has_succeeded("staging", DIGEST)
