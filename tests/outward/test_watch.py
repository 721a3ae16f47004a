"""Watching: only what went off after the upgrade began counts against the run."""

from __future__ import annotations

import pytest
from tests.outward.fakes import NOW, FakeAlarms

from dbmigrate.domain.errors import AlarmRaised
from dbmigrate.runtime import wiring
from dbmigrate.service.watch import watch

SINCE = "2027-01-15T08:00:00Z"


def test_an_alarm_since_the_upgrade_is_named() -> None:
    alarms = FakeAlarms(errors=("ALARM", NOW), latency=("ALARM", NOW + 60))
    with pytest.raises(AlarmRaised) as raised:
        watch(SINCE, ["errors", "latency"], alarms)
    assert "errors since 2027-01-15 08:00 UTC: Threshold crossed" in raised.value.message
    assert "latency" in raised.value.message


@pytest.mark.parametrize("state", [("ALARM", NOW - 1), ("OK", NOW + 60), ("INSUFFICIENT_DATA", NOW + 60)])
def test_an_older_alarm_or_none_is_not_the_runs_doing(state) -> None:
    seen = watch(SINCE, ["errors"], FakeAlarms(errors=state))
    assert seen == {"missing": [], "on": ["errors"] if state[0] == "ALARM" else []}


def test_alarms_that_do_not_exist_are_named() -> None:
    assert watch(SINCE, ["errors", "typo"], FakeAlarms(errors=("OK", NOW))) == {
        "missing": ["typo"],
        "on": [],
    }


def test_without_alarms_there_is_nothing_to_see() -> None:
    assert wiring.alarms().named([]) == []


def test_the_function_reads_cloudwatch(aws, function) -> None:
    put = {
        "Namespace": "App",
        "MetricName": "Errors",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Statistic": "Sum",
    }
    cloudwatch = wiring.client("cloudwatch")
    for name in ("errors", "unwatched"):
        cloudwatch.put_metric_alarm(
            AlarmName=name, Threshold=1, ComparisonOperator="GreaterThanThreshold", **put
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="fine")
    event = {"run": "staging-1", "plan": {}, "since": "2020-01-01T00:00:00.000Z"}
    assert function("watch").handler(event, None) == {"missing": ["latency"], "on": []}
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="42 errors")
    with pytest.raises(AlarmRaised, match="errors since .*: 42 errors"):
        function("watch").handler(event, None)
