"""Gap: moto's alarms neither look at metrics nor act, and tell no history. One datum decides here; periods do
not add up."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import operator
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.sns.models import sns_backends

from dbmigrate_local.gaps.patching import replaced

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}


@contextlib.contextmanager
def alarms() -> Iterator[None]:
    """An alarm whose state changes publishes to its topics; each put of metric data is evaluated; the changes
    of one alarm's state can be asked for."""
    change, put = Alarm.update_state, CloudWatchBackend.put_metric_data

    def change_and_act(self: Alarm, reason: str, reason_data: str, state_value: str) -> None:
        before = self.state_value
        change(self, reason, reason_data, state_value)
        if before != state_value and str(self.actions_enabled).lower() != "false":
            act(self, before)

    def put_and_evaluate(self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        put(self, namespace, metric_data)
        for alarm in list(self.alarms.values()):
            if alarm.namespace == namespace and alarm.comparison_operator in COMPARISONS:
                evaluate(alarm, metric_data)

    def history(self: CloudWatchResponse) -> ActionResult:
        alarm = self.cloudwatch_backend.alarms.get(self._get_param("AlarmName"))
        since = aware(self._get_param("StartDate"))
        items = [item for item in changes(alarm) if item["Timestamp"] >= since] if alarm else []
        return ActionResult({"AlarmHistoryItems": items})

    with (
        replaced(
            (Alarm, "update_state", change_and_act), (CloudWatchBackend, "put_metric_data", put_and_evaluate)
        ),
        patch.object(CloudWatchResponse, "describe_alarm_history", history, create=True),
    ):
        yield


def aware(moment: dt.datetime) -> dt.datetime:
    """moto's moments are of UTC and do not say so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def changes(alarm: Alarm) -> list[dict[str, Any]]:
    """The changes of an alarm's state, the oldest first. moto keeps what was before each."""
    kept = [(value, reason, when) for _, reason, _, value, when in alarm.history]
    states = [*kept, (alarm.state_value, alarm.state_reason, alarm.state_updated_timestamp)]
    return [
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "HistoryItemType": "StateUpdate",
            "Timestamp": aware(when),
            "HistorySummary": f"Alarm updated from {before} to {value}",
            "HistoryData": json.dumps(
                {"oldState": {"stateValue": before}, "newState": {"stateValue": value, "stateReason": reason}}
            ),
        }
        for (before, _, _), (value, reason, when) in itertools.pairwise(states)
        if before != value
    ]


def act(alarm: Alarm, before: str) -> None:
    """Publish a change of state to the topics of the new state."""
    actions = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}
    told = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "OldStateValue": before,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": dt.datetime.now(dt.UTC).isoformat(),
    }
    for arn in actions.get(alarm.state_value, alarm.insufficient_data_actions) or []:
        if ":sns:" in arn:
            _, _, _, region, account, _ = arn.split(":", 5)
            sns_backends[account][region].publish(
                message=json.dumps(told), arn=arn, subject=f'{alarm.state_value}: "{alarm.name}"'
            )


def evaluate(alarm: Alarm, metric_data: list[dict[str, Any]]) -> None:
    """Let the data of one put decide the state of an alarm."""
    wanted = {dimension.name: dimension.value for dimension in alarm.dimensions}
    values = [
        float(datum["Value"])
        for datum in metric_data
        if datum.get("MetricName") == alarm.metric_name
        and "Value" in datum
        and {d["Name"]: d["Value"] for d in datum.get("Dimensions", [])} == wanted
    ]
    if values and alarm.statistic in STATISTICS and alarm.threshold is not None:
        value = STATISTICS[alarm.statistic](values)
        breached = COMPARISONS[alarm.comparison_operator](value, float(alarm.threshold))
        alarm.update_state(f"{alarm.metric_name} is {value}", "{}", "ALARM" if breached else "OK")
