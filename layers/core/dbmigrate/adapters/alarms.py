"""The application's CloudWatch alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is now: OK, ALARM or INSUFFICIENT_DATA, since when, and why."""

    name: str
    state: str
    since: datetime
    reason: str


class CloudWatchAlarms:
    """Reads alarms; changes none."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def named(self, names: Sequence[str]) -> list[Alarm]:
        """The alarms with these names that exist, metric and composite ones (at most 100 names)."""
        if not names:
            return []
        kinds = ["MetricAlarm", "CompositeAlarm"]
        answer = self._client.describe_alarms(AlarmNames=list(names), AlarmTypes=kinds, MaxRecords=100)
        return [
            _alarm(found) for kind in ("MetricAlarms", "CompositeAlarms") for found in answer.get(kind, [])
        ]


def _alarm(found: dict[str, Any]) -> Alarm:
    # StateUpdatedTimestamp also moves when only the evaluation changed; the transition is what a run
    # can have caused.
    since = found.get("StateTransitionedTimestamp") or found["StateUpdatedTimestamp"]
    return Alarm(found["AlarmName"], found["StateValue"], since, found.get("StateReason", ""))
