"""Look whether the application suffers from a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from dbmigrate.domain.errors import AlarmRaised
from dbmigrate.domain.words import epoch_of, moment


class Alarm(Protocol):
    """An alarm as it is now."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def reason(self) -> str: ...


class Alarms(Protocol):
    """Where alarms are read."""

    def named(self, names: Sequence[str]) -> Sequence[Alarm]: ...


def watch(since: str, names: Sequence[str], alarms: Alarms) -> dict[str, list[str]]:
    """Names of alarms that do not exist (``missing``), so that a typing error is seen, and of those that were
    on before and still are (``on``): after a rollback, what it has not cured.

    Raises AlarmRaised for alarms that went off since then: what was on before is not the run's doing.
    """
    began = epoch_of(since, "watch: 'since'")
    found = alarms.named(names)
    raised = [alarm for alarm in found if alarm.state == "ALARM" and alarm.since.timestamp() >= began]
    if raised:
        lines = [f"{alarm.name} since {moment(alarm.since.timestamp())}: {alarm.reason}" for alarm in raised]
        raise AlarmRaised(
            "After the upgrade began, the application's alarms went off:\n" + "\n".join(lines),
            "look at these alarms in CloudWatch before anything else",
        )
    known = {alarm.name for alarm in found}
    return {
        "missing": [name for name in names if name not in known],
        "on": [alarm.name for alarm in found if alarm.state == "ALARM"],
    }
