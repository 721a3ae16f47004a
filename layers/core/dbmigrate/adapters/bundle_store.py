"""Bundles, plans and proofs of success in the environment's bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from dbmigrate.domain.bundle import MOST_BYTES, check_digest_form
from dbmigrate.domain.errors import BundleRejected, PlanOutdated

# Without permission to list the bucket, S3 answers "denied" for an object that is not there.
ABSENT = {"NoSuchKey", "NoSuchBucket", "404", "403", "AccessDenied", "NotFound"}


class S3BundleStore:
    """``preceding_bucket`` is that of the environment that must have succeeded before; "" where none must."""

    def __init__(self, client: Any, bucket: str, preceding_bucket: str = "") -> None:
        self._client, self._bucket, self._preceding = client, bucket, preceding_bucket

    def put_bundle(self, digest: str, content: bytes) -> None:
        """Store a bundle under its digest."""
        self._put(bundle_key(digest), content, "application/gzip")

    def get_bundle(self, digest: str) -> bytes:
        """The bytes of a bundle. Raises BundleRejected when there is none or it is too large to be one."""
        key = bundle_key(digest)
        found = self._get(key)
        if found is None:
            raise BundleRejected(
                f"Bundle {digest} is not at s3://{self._bucket}/{key}, or may not be read.",
                "upload it by starting the run again: db-migrate deploy",
            )
        if found["ContentLength"] > MOST_BYTES:
            raise BundleRejected(
                f"Bundle {digest} has {found['ContentLength']:,} bytes; {MOST_BYTES:,} are the most.",
                "keep data out of the migrations folder, then: db-migrate deploy",
            )
        return bytes(found["Body"].read())

    def put_plan(self, digest: str, plan: Mapping[str, Any]) -> None:
        """Store the whole plan under its digest."""
        self._put(plan_key(digest), json.dumps(plan, ensure_ascii=False).encode(), "application/json")

    def get_plan(self, digest: str) -> dict[str, Any]:
        """The whole plan. Raises PlanOutdated when there is none."""
        found = self._get(plan_key(digest))
        if found is None:
            raise PlanOutdated(
                f"Plan {digest} is not in s3://{self._bucket}.", "start the run again: db-migrate deploy"
            )
        return dict(json.loads(found["Body"].read()))

    def record_success(self, environment: str, bundle_digest: str, data: Mapping[str, Any]) -> None:
        """Prove to the next environment that this bundle succeeded here."""
        self._put(success_key(environment, bundle_digest), json.dumps(data).encode(), "application/json")

    def withdraw_success(self, environment: str, bundle_digest: str, run: str) -> None:
        """Take the proof back: the bundle was undone here by this run."""
        body = json.dumps({"undone_by": run}).encode()
        self._put(success_key(environment, bundle_digest), body, "application/json")

    def has_succeeded(self, environment: str, bundle_digest: str) -> bool:
        """Whether the preceding environment proved this bundle. What cannot be read is not proved."""
        key = success_key(environment, bundle_digest)
        found = self._get(key, self._preceding) if self._preceding else None
        return found is not None and "undone_by" not in json.loads(found["Body"].read())

    def drill_of(self, bundle_digest: str) -> dict[str, Any] | None:
        """What the newest drill found that rehearsed this bundle; None where none did."""
        found = self._get(drill_key(bundle_digest))
        return None if found is None else dict(json.loads(found["Body"].read()))

    def _put(self, key: str, content: bytes, kind: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=kind)

    def _get(self, key: str, bucket: str = "") -> dict[str, Any] | None:
        try:
            return dict(self._client.get_object(Bucket=bucket or self._bucket, Key=key))
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None
            raise


def bundle_key(digest: str) -> str:
    """Where a bundle lies. Raises BundleRejected when the digest is none: nobody names another key."""
    return f"bundles/{check_digest_form(digest)[7:]}.tar.gz"


def plan_key(digest: str) -> str:
    """Where a plan lies."""
    return f"plans/{check_digest_form(digest)[7:]}.json"


def success_key(environment: str, bundle_digest: str) -> str:
    """Where the proof lies that a bundle succeeded in an environment."""
    return f"succeeded/{environment}/{check_digest_form(bundle_digest)[7:]}.json"


def drill_key(bundle_digest: str) -> str:
    """Where the newest drill of a bundle lies."""
    return f"drills/bundles/{check_digest_form(bundle_digest)[7:]}.json"
