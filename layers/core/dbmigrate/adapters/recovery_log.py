"""Records of recoveries in the environment's bucket: outside of the database, which is what goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.adapters.json_objects import JsonObjects
from dbmigrate.domain.handle import place_of
from dbmigrate.domain.recovery import PHASES, Record

LATEST = "recoveries/latest.json"


class S3RecoveryLog:
    """``client`` is that of S3. Raises botocore's ClientError."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._objects = JsonObjects(client, bucket)

    def get(self, recovery: str) -> Record | None:
        """The record of a recovery; None where there is none. Raises BadRequest for what is no name."""
        found = self._objects.get(record_key(recovery))
        return Record.from_json(found) if found else None

    def put(self, record: Record) -> Record:
        """Keep the record beside what another step may have kept meanwhile: an invocation that outlived its
        execution knows an old one. Returns what is kept, which only the first of two can settle. One that is
        only planned is the newest recovery from now on."""

        def beside(current: dict[str, Any] | None) -> dict[str, Any]:
            return (record.beside(Record.from_json(current)) if current else record).to_json()

        kept = Record.from_json(self._objects.change(record_key(record.recovery), beside))
        if record.phase == PHASES[0]:
            self._objects.put(LATEST, {"recovery": record.recovery})
        return kept

    def latest(self) -> Record | None:
        """The record of the newest recovery."""
        found = self._objects.get(LATEST)
        return self.get(str(found["recovery"])) if found else None

    def read(self, recovery: str) -> dict[str, Any] | None:
        """What an examination has left for its next slice; it is too large for the state machine."""
        return self._objects.get(notebook_key(recovery))

    def write(self, recovery: str, values: Mapping[str, Any]) -> None:
        """Leave what the next slice goes on with."""
        self._objects.put(notebook_key(recovery), values)


def record_key(recovery: str) -> str:
    """Where the record of a recovery lies. Raises BadRequest for what is no name of an execution."""
    place_of(recovery)
    return f"recoveries/{recovery}.json"


def notebook_key(recovery: str) -> str:
    """Where the examination of a recovery's copy lies. Raises BadRequest for what is no name."""
    return record_key(recovery).removesuffix(".json") + "/examination.json"
