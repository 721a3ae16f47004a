"""The handle on a deployed stand-in: clients, runs, mail and what was decided."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from dbmigrate_local.account import ACCOUNT, ADMINISTRATOR, REGION
from dbmigrate_local.deploy import Deployment
from dbmigrate_local.gaps.clock import Clock, Wait
from dbmigrate_local.gaps.task_tokens import expire, waiting_tokens
from dbmigrate_local.iam import Decision, Judge
from dbmigrate_local.instances import InstanceStore
from dbmigrate_local.lambda_runtime import Invocation, Runtime
from dbmigrate_local.mailbox import Mailbox
from dbmigrate_local.snapshots import SnapshotStore

Fact = TypeVar("Fact")
GLANCE = 0.005  # seconds between two looks at moto's memory


class StillWaiting(TimeoutError):
    """What was waited for did not happen in time."""


class Clients:
    """The administrator's clients, one a service. Any thread may use them at any time."""

    def __init__(self) -> None:
        self._session: Any = boto3.Session(*ADMINISTRATOR, region_name=REGION)
        self._made: dict[str, Any] = {}
        self._one_at_a_time = threading.Lock()

    def __call__(self, service: str) -> Any:
        with self._one_at_a_time:
            if service not in self._made:
                self._made[service] = self._session.client(service)
            return self._made[service]


@dataclass
class Cloud:
    """A deployed environment on this machine.

    `approval_url` is the address of its HTTP API; `decisions` is every permission that a role asked for;
    `waits` is what the state machine would have waited, in seconds; `clock` is the time that it reads.
    `instances` and `snapshots` are what RDS has, and take orders to fail.
    """

    client: Clients
    mailbox: Mailbox
    clock: Clock
    waits: list[Wait]
    judge: Judge
    runtime: Runtime
    snapshots: SnapshotStore
    instances: InstanceStore
    approval_url: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    deployment: Deployment | None = field(default=None, repr=False)

    @property
    def decisions(self) -> list[Decision]:
        return self.judge.decisions

    @property
    def invocations(self) -> list[Invocation]:
        """Every invocation so far, with its event, payload and log."""
        return self.runtime.invocations

    def invoke(self, logical_id: str, event: Any) -> tuple[Any, str | None]:
        """Invoke a function: its payload, and "Unhandled" when it failed."""
        answer = self.client("lambda").invoke(
            FunctionName=self.resources[logical_id], Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    def start(self, input: Any, name: str | None = None) -> str:
        """Start a run; returns the execution's ARN."""
        named = {"name": name} if name else {}
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], input=json.dumps(input), **named
        )
        return str(started["executionArn"])

    def wait(self, arn: str, timeout: float = 60) -> dict[str, Any]:
        """The description of a run that has ended, what its end set off included. Raises StillWaiting."""
        execution = self.execution(arn)
        self.until(lambda: getattr(execution, "settled", False), timeout, lambda: self.story(arn))
        described: dict[str, Any] = self.client("stepfunctions").describe_execution(executionArn=arn)
        return described

    def history(self, arn: str) -> list[dict[str, Any]]:
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return [event for page in pages.paginate(executionArn=arn) for event in page["events"]]

    def states(self, arn: str) -> list[str]:
        """The names of the states that a run entered, in order."""
        events = self.execution(arn).to_history_output()["events"]
        entered = (event.get("stateEnteredEventDetails") for event in events)
        return [str(details["name"]) for details in entered if details]

    def waits_for_a_person(self, arn: str) -> bool:
        """Whether a run has handed out a task token and waits for its answer."""
        execution = self.execution(arn)
        if not waiting_tokens(execution):
            return False
        return bool(execution.to_history_output()["events"][-1]["type"] == "TaskSubmitted")

    def token(self, arn: str, timeout: float = 30) -> str:
        """The token that a run waits for; waits until it does. Raises StillWaiting."""
        execution = self.execution(arn)
        self.until(
            lambda: self.waits_for_a_person(arn) or execution.status != "RUNNING",
            timeout,
            lambda: self.story(arn),
        )
        if execution.status != "RUNNING":
            raise StillWaiting(f"The run ended without waiting for a person. {self.story(arn)}")
        return waiting_tokens(execution)[-1]

    def succeed_task(self, arn: str, output: Any) -> None:
        """Answer the waiting task of a run, as the function behind the approval page does."""
        states, token = self.client("stepfunctions"), self.token(arn)
        states.send_task_success(taskToken=token, output=json.dumps(output))

    def fail_task(self, arn: str, error: str, cause: str | None = None) -> None:
        """Fail the waiting task of a run."""
        told = {"error": error} | ({"cause": cause} if cause is not None else {})
        self.client("stepfunctions").send_task_failure(taskToken=self.token(arn), **told)

    def expire_approval(self, arn: str | None = None) -> None:
        """Let the timeout of a waiting approval run out now; without an ARN, that of the newest run."""
        execution = self.execution(arn) if arn else self._executions()[-1]
        expire(execution, self.token(execution.exec_arn))

    def execution(self, arn: str) -> Any:
        """moto's own object: looking at it costs nothing, asking by API does."""
        return stepfunctions_parser_backends[ACCOUNT][REGION].describe_execution(arn)

    def until(
        self, fact: Callable[[], Fact], timeout: float = 30, story: Callable[[], object] = lambda: ""
    ) -> Fact:
        """The first true answer of `fact`; seconds. Raises StillWaiting with the story."""
        limit = time.monotonic() + timeout
        while not (answer := fact()):
            if time.monotonic() > limit:
                raise StillWaiting(f"Not within {timeout:g} s. {story()}")
            time.sleep(GLANCE)
        return answer

    def story(self, arn: str) -> str:
        """How far a run came, for a message."""
        last = self.history(arn)[-1:]
        return f"States: {' > '.join(self.states(arn))}. Last event: {json.dumps(last, default=str)}"

    def _executions(self) -> list[Any]:
        return list(stepfunctions_parser_backends[ACCOUNT][REGION]._get_executions())
