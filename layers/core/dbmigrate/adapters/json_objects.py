"""JSON documents in a bucket, changed by several functions without losing what another has written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from dbmigrate.adapters.bundle_store import ABSENT

OVERTAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
TRIES = 8
Document = dict[str, Any]


class JsonObjects:
    """``client`` is that of S3. Raises botocore's ClientError."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def get(self, key: str) -> Document | None:
        """The document under a key; None where there is none."""
        return self._read(key)[0]

    def put(self, key: str, values: Mapping[str, Any]) -> None:
        """Keep the document, whatever was there."""
        self._write(key, values)

    def change(self, key: str, change: Callable[[Document | None], Mapping[str, Any]]) -> Document:
        """Keep, and return, what ``change`` makes of what is there now. When somebody else writes in between,
        S3 refuses (a conditional write), and ``change`` is asked again, eight times at most."""
        tries = 0
        while True:
            found, tag = self._read(key)
            changed = dict(change(found))
            try:
                self._write(key, changed, **({"IfMatch": tag} if tag else {"IfNoneMatch": "*"}))
                return changed
            except ClientError as error:
                tries += 1
                if tries == TRIES or error.response["Error"]["Code"] not in OVERTAKEN:
                    raise

    def _read(self, key: str) -> tuple[Document | None, str]:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None, ""
            raise
        return dict(json.loads(answer["Body"].read())), str(answer["ETag"])

    def _write(self, key: str, values: Mapping[str, Any], **condition: str) -> None:
        body = json.dumps(values, ensure_ascii=False).encode()
        self._client.put_object(
            Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", **condition
        )
