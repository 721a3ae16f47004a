"""Gaps of EventBridge.

- moto raises for targets that are functions, topics or state machines.
- moto gives every event to a rule that has only a schedule.
- moto's Step Functions emit neither status events nor the metrics of AWS/States.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from moto.awslambda.utils import get_backend as lambda_backend
from moto.cloudwatch.models import cloudwatch_backends
from moto.events.models import Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.sns.models import sns_backends
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.responses import get_backend as states_backend

from dbmigrate_local.gaps.patching import replaced
from dbmigrate_local.gaps.plain_json import dumped

OURS = ("lambda", "sns", "states")
METRICS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


MayInvoke = Callable[[Any, str, str], bool]
"""From moto's function, the service's principal and the source's ARN to the function's own policy's word."""
May = Callable[[str, str, str], bool]
"""From a role, an action and a resource to the word of the role's policies."""


@contextlib.contextmanager
def event_targets(may_invoke: MayInvoke, may: May) -> Iterator[None]:
    """Rules reach topics, the state machines that the target's role may start, and the functions that let
    them; a refusal is silent, as on AWS."""
    original = Rule.send_to_targets

    def send(self: Rule, original_event: Any, transform_input: bool = True) -> None:
        if self.state != "ENABLED" or not self.event_pattern.get_pattern():
            return
        ours = [target for target in self.targets if target["Arn"].split(":")[2] in OURS]
        kept, self.targets = self.targets, [target for target in self.targets if target not in ours]
        try:
            original(self, original_event, transform_input)
        finally:
            self.targets = kept
        if ours and self.event_pattern.matches_event(original_event):
            for target in ours:
                hand_over(target, original_event, self.arn, may_invoke, may)

    with replaced((Rule, "send_to_targets", send)):
        yield


def hand_over(
    target: dict[str, Any], event: dict[str, Any], rule: str, may_invoke: MayInvoke, may: May
) -> None:
    """Give one target its form of the event."""
    body = dumped(shaped(target, event | {"time": instant(event["time"])}))
    arn = target["Arn"]
    _, _, service, region, account = arn.split(":")[:5]
    if service == "lambda":
        functions = lambda_backend(account, region)
        if may_invoke(functions.get_function(arn), "events.amazonaws.com", rule):
            functions.invoke(arn, None, body, {}, {})
    elif service == "sns":
        sns_backends[account][region].publish(message=body, arn=arn)
    elif may(target.get("RoleArn", ""), "states:StartExecution", arn):
        name = str(uuid.uuid4())
        states_backend(account, region).start_execution(arn, name, body)


def shaped(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """The event as the target's Input or InputTransformer wants it."""
    if transformer := target.get("InputTransformer"):
        return EventTemplateParser.parse(
            input_template=transformer["InputTemplate"],
            input_paths_map=transformer.get("InputPathsMap", {}),
            event=event,  # type: ignore[arg-type]
        )
    return json.loads(target["Input"]) if target.get("Input") else event


@contextlib.contextmanager
def execution_events() -> Iterator[None]:
    """An execution that starts or ends says so to EventBridge, and its end counts in AWS/States."""
    end, start = BaseExecutionWorkerCommunication.terminated, Execution.start

    def terminated(self: BaseExecutionWorkerCommunication) -> None:
        end(self)
        try:
            count(self.execution)
            announce(self.execution)
        finally:
            self.execution.settled = True  # type: ignore[attr-defined]

    def started(self: Execution) -> None:
        start(self)
        announce(self, status="RUNNING")

    with replaced(
        (BaseExecutionWorkerCommunication, "terminated", terminated), (Execution, "start", started)
    ):
        yield


def announce(execution: Execution, status: str | None = None) -> None:
    """Put the event that AWS puts for a change of status."""
    ended = None if status else execution.stop_date
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": status or execution.status,
        "startDate": milliseconds(execution.start_date),
        "stopDate": milliseconds(ended),
        "input": json.dumps(execution.input_data),
        "output": execution.output if ended and isinstance(execution.output, str) else None,
        "error": execution.error if ended else None,
        "cause": execution.cause if ended else None,
    }
    events_backends[execution.account_id][execution.region_name].put_events(
        [
            {
                "Source": "aws.states",
                "DetailType": "Step Functions Execution Status Change",
                "Resources": [execution.exec_arn],
                "Detail": json.dumps(detail),
            }
        ]
    )


def count(execution: Execution) -> None:
    """Put the metric that AWS puts for an end."""
    machine = [{"Name": "StateMachineArn", "Value": execution.state_machine.arn}]
    datum = {"MetricName": METRICS[execution.status], "Dimensions": machine, "Value": 1.0, "Unit": "Count"}
    cloudwatch_backends[execution.account_id][execution.region_name].put_metric_data("AWS/States", [datum])


def milliseconds(time: Any) -> int | None:
    return int(time.timestamp() * 1000) if time is not None else None


def instant(time: Any) -> str:
    """An event's time as AWS writes it."""
    if isinstance(time, str):
        return time
    return dt.datetime.fromtimestamp(float(time), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
