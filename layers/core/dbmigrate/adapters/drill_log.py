"""What drills found, in the environment's bucket: one object a drill, and one for each bundle rehearsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.adapters.bundle_store import drill_key
from dbmigrate.adapters.json_objects import JsonObjects
from dbmigrate.domain.handle import place_of

BUNDLES = "bundles/"


class S3DrillLog:
    """``client`` is that of S3. Raises botocore's ClientError."""

    def __init__(self, client: Any, bucket: str, environment: str) -> None:
        self._client, self._bucket, self._environment = client, bucket, environment
        self._objects = JsonObjects(client, bucket)

    def get(self, drill: str) -> dict[str, Any] | None:
        """What is known of a drill. Raises BadRequest for what is no name of an execution."""
        place_of(drill)
        return self._objects.get(self._key(drill))

    def put(self, drill: str, values: Mapping[str, Any]) -> None:
        """Keep what is known of a drill so far."""
        place_of(drill)
        self._objects.put(self._key(drill), values)

    def pointer(self, word: str) -> dict[str, Any] | None:
        """``latest``: the newest drill that ended; ``proved``: the newest that proved a backup."""
        return self._objects.get(self._key(word))

    def point(self, word: str, values: Mapping[str, Any]) -> None:
        """Make it say something else."""
        self._objects.put(self._key(word), values)

    def put_of_bundle(self, digest: str, values: Mapping[str, Any]) -> None:
        """Keep the drill of a bundle, for whoever is asked to approve it."""
        self._objects.put(drill_key(digest), values)

    def newest_bundles(self, most: int) -> list[str]:
        """Digests of the environment's bundles, the newest first."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=BUNDLES)
        found = [entry for page in pages for entry in page.get("Contents", ())]
        newest = sorted(found, key=lambda entry: entry["LastModified"], reverse=True)[:most]
        return [f"sha256:{entry['Key'].removeprefix(BUNDLES).removesuffix('.tar.gz')}" for entry in newest]

    def _key(self, name: str) -> str:
        return f"drills/{self._environment}/{name}.json"
