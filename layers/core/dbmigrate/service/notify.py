"""Tell everyone how a run ended, or that one begins by force."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Protocol

from dbmigrate.domain.drill_outcomes import DRILL_OUTCOMES
from dbmigrate.domain.notice import OUTCOMES, Ending, notice_subject, notice_text
from dbmigrate.domain.recovery_outcomes import RECOVERY_OUTCOMES
from dbmigrate.domain.shape import OPTIONAL_OBJECT, OPTIONAL_TEXT, Shape
from dbmigrate.domain.words import epoch_of

FROM_RUN: Shape = {
    "run": str,
    "outcome": str,
    "command": OPTIONAL_TEXT,
    "started": OPTIONAL_TEXT,
    "restore_point": OPTIONAL_TEXT,
    "execution": OPTIONAL_TEXT,
    **{
        key: OPTIONAL_OBJECT
        for key in (
            *("plan", "failure", "force", "backup", "approval"),
            *("times", "swap", "verified", "watched", "report"),
        )
    },
}
FROM_EVENTS: Shape = {
    "detail": {
        "executionArn": str,
        "name": str,
        "status": str,
        "startDate": (int, NoneType),
        "stopDate": (int, NoneType),
        **{key: OPTIONAL_TEXT for key in ("input", "error", "cause")},
    }
}
RECOVERIES = ":db-migrate-recovery-"  # in the names of all executions of recoveries
CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


class Messages(Protocol):
    """How everyone is reached."""

    def announce(self, subject: str, text: str) -> None: ...


def shape_of(event: Any) -> Shape:
    """The state machine writes its own payload; EventBridge the event of an execution that could not."""
    return FROM_EVENTS if isinstance(event, Mapping) and "detail" in event else FROM_RUN


def notify(
    event: Mapping[str, Any],
    environment: str,
    machine: str,
    silent: bool,
    now: float,
    messages: Messages,
    emit: Callable[[str, float], None],
) -> dict[str, bool]:
    """Publish one notice. ``machine`` is the state machine's ARN, for the link.

    An execution that failed with one of our own outcomes has told everyone itself.
    """
    from_events = "detail" in event
    if from_events and event["detail"].get("error") in OUTCOMES:
        return {"sent": False}
    ending = read_event(event, environment) if from_events else read_payload(event, environment, machine, now)
    if ending.outcome == "Forced":
        emit("ForcedRuns", 1)
    elif ending.outcome == "Recovered" and {"began", "opened"} <= set(ending.times):
        emit("RecoverySeconds", (ending.times["opened"] - ending.times["began"]) / 1000)
    elif ending.words.failed and ending.outcome not in {**RECOVERY_OUTCOMES, **DRILL_OUTCOMES}:
        emit("MigrationFailures", 1)
        # A backup that outlived its budget failed in the state machine: no function saw it.
        if ending.outcome == "BackupFailed":
            emit("BackupFailures", 1)
        if ending.outcome == "RollbackFailed":
            emit("RollbackFailures", 1)
    if not silent:
        messages.announce(notice_subject(ending), notice_text(ending))
    return {"sent": not silent}


def read_payload(event: Mapping[str, Any], environment: str, machine: str, now: float) -> Ending:
    """What the state machine says about its run."""
    started, force = event.get("started"), event.get("force") or {}
    return Ending(
        run=event["run"],
        environment=environment,
        outcome=event["outcome"],
        plan=event.get("plan") or {},
        failure=event.get("failure") or {},
        approval=event.get("approval") or {},
        backup=event.get("backup") or {},
        verified=event.get("verified") or {},
        watched=event.get("watched") or {},
        reason=str(force.get("reason") or ""),
        command=event.get("command") or "",
        restore_point=event.get("restore_point") or "",
        seconds=max(0.0, now - epoch_of(started, "notify: 'started'")) if started else None,
        link=console_link(event.get("execution") or _execution(machine, event["run"])),
        times=event.get("times") or {},
        swap=event.get("swap") or {},
        report=event.get("report") or {},
    )


def read_event(event: Mapping[str, Any], environment: str) -> Ending:
    """What EventBridge says about an execution that ended without a word of its own."""
    detail = event["detail"]
    asked = _input(detail.get("input"))
    start, stop = detail.get("startDate"), detail.get("stopDate")
    return Ending(
        run=detail["name"],
        environment=environment,
        outcome="RecoveryInterrupted" if RECOVERIES in detail["executionArn"] else detail["status"],
        failure={"Error": detail.get("error"), "Cause": detail.get("cause")},
        requested_by=str(asked.get("requested_by") or ""),
        reason=str(asked.get("reason") or ""),
        seconds=(stop - start) / 1000 if start and stop else None,
        link=console_link(detail["executionArn"]),
    )


def _execution(machine: str, run: str) -> str:
    return machine.replace(":stateMachine:", ":execution:") + ":" + run if machine else ""


def console_link(execution: str) -> str:
    """The execution's page in the AWS console; "" for what is no ARN."""
    parts = execution.split(":")
    if len(parts) < 8:
        return ""
    partition, region = parts[1], parts[3]
    host = CONSOLES.get(partition, "console.aws.amazon.com")
    return f"https://{region}.{host}/states/home?region={region}#/v2/executions/details/{execution}"


def _input(text: str | None) -> Mapping[str, Any]:
    # EventBridge leaves out an input that is too large, and anybody may start an execution with a list.
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
