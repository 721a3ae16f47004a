"""One deployed environment with fake functions, and the runs that tests send through it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from moto.stepfunctions.parser.models import stepfunctions_parser_backends as backends
from tests.statemachine.scenario import DIGEST, HAPPY, Answers, Scenario

from dbmigrate_local.gaps.task_tokens import expire

PATIENCE = 60.0
Person = Callable[["Machine"], None]


class Machine:
    """`cloud` is the stand-in; `policy` the environment's row of the template."""

    output = "StateMachineArn"
    happy: dict[str, Answers] = HAPPY
    green: tuple[str, ...] = ("Succeeded", "NothingPending")

    def __init__(self, cloud: Any, environment: str, policy: dict[str, str], scenario: Scenario) -> None:
        self.cloud, self.environment, self.policy, self.scenario = cloud, environment, policy, scenario
        self.arn, self.result = "", {}

    def run(self, request: Any = None, person: Person | None = None, **changed: Answers) -> Machine:
        """Send one run to its end. A person approves when asked, unless the test sends another."""
        self.start(request, **changed)
        self.until(lambda: self.waits_for_a_person() or self.ended())
        if not self.ended():
            (person or approves)(self)
        return self.end()

    def start(self, request: Any = None, raw: bool = False, **changed: Answers) -> Machine:
        """Start one run. `raw` sends the request as it is, whatever it is."""
        self.scenario.begin(**(self.happy | changed))
        self.cloud.waits.clear()
        sent = request if raw else self.usual(request)
        started = self.states_api.start_execution(
            stateMachineArn=self.cloud.outputs[self.output], input=json.dumps(sent)
        )
        self.arn = started["executionArn"]
        return self

    def usual(self, request: Any) -> Any:
        """The request, on top of what every request has."""
        return {"bundle": DIGEST, "requested_by": "dev@example.com"} | (request or {})

    def end(self) -> Machine:
        """Wait for the run's end and for whatever that end set off."""
        self.result = self.cloud.wait(self.arn, PATIENCE)
        return self

    def until(self, fact: Callable[[], bool]) -> None:
        limit = time.monotonic() + PATIENCE
        while not fact():
            assert time.monotonic() < limit, self.states
            time.sleep(0.003)

    def ended(self) -> bool:
        return self._execution.status != "RUNNING"

    def waits_for_a_person(self) -> bool:
        """Looks into moto, because polling through the API took a third of the suite's time."""
        if not self.told("RequestApproval") or self._execution.exec_worker.env is None:
            return False
        return bool(self._execution.to_history_output()["events"][-1]["type"] == "TaskSubmitted")

    def told(self, verb: str) -> list[Any]:
        return self.scenario.told(verb)

    @property
    def states_api(self) -> Any:
        return self.cloud.client("stepfunctions")

    @property
    def name(self) -> str:
        return self.arn.rsplit(":", 1)[-1]

    @property
    def token(self) -> str:
        return str(self.told("RequestApproval")[-1]["token"])

    @property
    def history(self) -> list[dict[str, Any]]:
        return list(self._execution.to_history_output()["events"])

    @property
    def states(self) -> list[str]:
        """The states that were entered, in order."""
        entered = (event.get("stateEnteredEventDetails") for event in self.history)
        return [details["name"] for details in entered if details]

    @property
    def arrows(self) -> set[tuple[str, str]]:
        return set(pairwise(self.states))

    @property
    def outcome(self) -> str:
        """The run's last word; a green execution never carries a failure, nor a red one a success."""
        green = self.result["status"] == "SUCCEEDED"
        outcome = str(json.loads(self.result["output"])["outcome"] if green else self.result["error"])
        assert (outcome in self.green) == green, (self.result["status"], outcome)
        return outcome

    @property
    def cause(self) -> str:
        return str(self.result.get("cause", ""))

    def ends_as(self, outcome: str) -> None:
        """The outcome, closed once and announced once where the policy announces anything."""
        assert self.outcome == outcome, (self.cause, self.states)
        assert [event["outcome"] for event in self.told("Close")] == [outcome]
        endings = [event["outcome"] for event in self.told("Notify") if not event["announce"]]
        assert endings == ([outcome] if self.policy["Notification"] == "sent" else [])

    @property
    def _execution(self) -> Any:
        account, region = self.arn.split(":")[4], self.arn.split(":")[3]
        return backends[account][region].describe_execution(self.arn)


def approves(machine: Machine) -> None:
    answer = {"by": "alice@example.com", "digest": DIGEST, "at": "2026-01-01T00:00:00Z", "comment": ""}
    machine.states_api.send_task_success(taskToken=machine.token, output=json.dumps(answer))


def rejects(machine: Machine) -> None:
    machine.states_api.send_task_failure(
        taskToken=machine.token, error="ApprovalRejected", cause="alice@example.com: not today"
    )


def rejects_without_a_word(machine: Machine) -> None:
    machine.states_api.send_task_failure(taskToken=machine.token, error="ApprovalRejected")


def lets_it_expire(machine: Machine) -> None:
    expire(machine._execution, machine.token)
