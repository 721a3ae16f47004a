"""Records of recoveries in the environment's bucket: outside of the database, which is what goes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from dbmigrate.adapters.bundle_store import ABSENT
from dbmigrate.domain.handle import place_of
from dbmigrate.domain.recovery import PHASES, Record

LATEST = "recoveries/latest.json"


class S3RecoveryLog:
    """``client`` is that of S3. Raises botocore's ClientError."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def get(self, recovery: str) -> Record | None:
        """The record of a recovery; None where there is none. Raises BadRequest for what is no name."""
        found = self._read(record_key(recovery))
        return Record.from_json(found) if found else None

    def put(self, record: Record) -> None:
        """Keep the record. One that is only planned is the newest recovery from now on.

        What is there by now is read again first: an invocation that outlived its execution knows an old one.
        """
        current = self.get(record.recovery)
        self._write(record_key(record.recovery), (record.beside(current) if current else record).to_json())
        if record.phase == PHASES[0]:
            self._write(LATEST, {"recovery": record.recovery})

    def latest(self) -> Record | None:
        """The record of the newest recovery."""
        found = self._read(LATEST)
        return self.get(str(found["recovery"])) if found else None

    def read(self, recovery: str) -> dict[str, Any] | None:
        """What an examination has left for its next slice; it is too large for the state machine."""
        return self._read(notebook_key(recovery))

    def write(self, recovery: str, values: Mapping[str, Any]) -> None:
        """Leave what the next slice goes on with."""
        self._write(notebook_key(recovery), values)

    def _write(self, key: str, values: Mapping[str, Any]) -> None:
        body = json.dumps(values, ensure_ascii=False).encode()
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None
            raise
        return dict(json.loads(answer["Body"].read()))


def record_key(recovery: str) -> str:
    """Where the record of a recovery lies. Raises BadRequest for what is no name of an execution."""
    place_of(recovery)
    return f"recoveries/{recovery}.json"


def notebook_key(recovery: str) -> str:
    """Where the examination of a recovery's copy lies. Raises BadRequest for what is no name."""
    return record_key(recovery).removesuffix(".json") + "/examination.json"
