"""The application's CloudWatch alarms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is now: OK, ALARM or INSUFFICIENT_DATA, since when, and why."""

    name: str
    state: str
    since: datetime
    reason: str


@dataclass(frozen=True)
class Episode:
    """An alarm went off, when, why, and when that ended; None: it is on."""

    name: str
    since: datetime
    reason: str
    until: datetime | None


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

    def episodes(self, names: Sequence[str], since: datetime) -> list[Episode]:
        """Every time since then that one of these alarms went off, those that are over included, the oldest
        first. CloudWatch keeps the history of an alarm for 30 days. Raises botocore's ClientError."""
        found = [episode for name in names for episode in _episodes(name, self._changes(name, since))]
        return sorted(found, key=lambda episode: episode.since)

    def _changes(self, name: str, since: datetime) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("describe_alarm_history").paginate(
            AlarmName=name,
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            StartDate=since,
            ScanBy="TimestampAscending",
        )
        for page in pages:
            yield from page["AlarmHistoryItems"]


def _episodes(name: str, changes: Iterator[dict[str, Any]]) -> list[Episode]:
    """From changes of state, the oldest first."""
    found: list[Episode] = []
    for change in changes:
        state = json.loads(change["HistoryData"])["newState"]
        if found and found[-1].until is None:
            found[-1] = replace(found[-1], until=change["Timestamp"])
        if state["stateValue"] == "ALARM":
            found.append(Episode(name, change["Timestamp"], state.get("stateReason", ""), None))
    return found


def _alarm(found: dict[str, Any]) -> Alarm:
    # StateUpdatedTimestamp also moves when only the evaluation changed; the transition is what a run
    # can have caused.
    since = found.get("StateTransitionedTimestamp") or found["StateUpdatedTimestamp"]
    return Alarm(found["AlarmName"], found["StateValue"], since, found.get("StateReason", ""))
