"""What the use cases of a drill need besides RDS; dbmigrate.adapters has the real ones, the
tests have fakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class DrillLog(Protocol):
    """What drills found; see dbmigrate.adapters.drill_log."""

    def get(self, drill: str) -> dict[str, Any] | None: ...
    def put(self, drill: str, values: Mapping[str, Any]) -> None: ...
    def pointer(self, word: str) -> dict[str, Any] | None: ...
    def point(self, word: str, values: Mapping[str, Any]) -> None: ...
    def put_of_bundle(self, digest: str, values: Mapping[str, Any]) -> None: ...


class Bundles(Protocol):
    """The bundles that were uploaded, the newest first."""

    def newest_bundles(self, most: int) -> list[str]: ...
