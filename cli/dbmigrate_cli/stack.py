"""The stack of an environment: its outputs, its bucket, its executions, its inspect function."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dbmigrate.domain.bundle import digest_of
from dbmigrate.domain.errors import BadRequest, Misconfigured
from dbmigrate_cli.failures import RunEnded
from dbmigrate_cli.options import Options
from dbmigrate_cli.outcomes import STOPPED, ending_of, spoken

APPROVERS = ("FirstApprover", "SecondApprover", "ThirdApprover")
MOST_RUNS_OF_ONE_BUNDLE = 500


@dataclass(frozen=True)
class Started:
    """An execution that we follow; ``joined`` when somebody else had started it."""

    arn: str
    run: str
    joined: bool


class Stack:
    """``client`` makes the AWS client of a service: boto3's, or the local stand-in's."""

    def __init__(self, environment: str, name: str, client: Callable[[str], Any]) -> None:
        self.environment, self.name, self.client = environment, name, client

    @cached_property
    def _described(self) -> dict[str, Any]:
        try:
            return dict(self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise Misconfigured(
                f"There is no stack {self.name} in this account and region.",
                f"name it with --stack, or deploy it: sam deploy --config-env {self.environment}",
            ) from error

    def output(self, key: str) -> str:
        """One of the stack's outputs. Raises Misconfigured."""
        for output in self._described.get("Outputs", ()):
            if output["OutputKey"] == key:
                return str(output["OutputValue"])
        raise Misconfigured(
            f"Stack {self.name} has no output {key}: it is not this project's, or of another version.",
            f"sam deploy --config-env {self.environment}",
        )

    @property
    def parameters(self) -> dict[str, str]:
        """The stack's parameters as it was deployed."""
        return {p["ParameterKey"]: p.get("ParameterValue", "") for p in self._described.get("Parameters", ())}

    def audience(self, requested_by: str) -> list[str]:
        """Who gets an approval link: the approvers, without the requester."""
        people = (self.parameters.get(key, "") for key in APPROVERS)
        return [person for person in people if person and person.lower() != requested_by.lower()]

    def upload(self, content: bytes) -> bool:
        """Store a bundle under its digest; False when it is there already."""
        key = f"bundles/{digest_of(content)[7:]}.tar.gz"
        where = {"Bucket": self.output("BundleBucketName"), "Key": key}
        s3 = self.client("s3")
        with contextlib.suppress(ClientError):
            s3.head_object(**where)
            return False
        s3.put_object(Body=content, ContentType="application/gzip", **where)
        return True

    def start(self, prefix: str, request: dict[str, Any]) -> Started:
        """Start the execution ``prefix``, or join it while it runs; when it has ended, the next number."""
        states, machine = self.client("stepfunctions"), self.output("StateMachineArn")
        number = 1
        while number <= MOST_RUNS_OF_ONE_BUNDLE:
            run = prefix if number == 1 else f"{prefix}-{number}"
            known = self.describe(run)
            if known and known["status"] == "RUNNING" and _undoes(known) == _goes_back(request):
                return Started(self.arn_of(run), run, joined=True)
            if known or self.remembers(run):
                number += 1
                continue
            with contextlib.suppress(states.exceptions.ExecutionAlreadyExists):  # somebody was faster: join
                started = states.start_execution(stateMachineArn=machine, name=run, input=json.dumps(request))
                return Started(started["executionArn"], run, joined=False)
        raise Misconfigured(
            f"{prefix} has run {number} times.", "change the revisions, or clean up old executions"
        )

    def remembers(self, run: str) -> bool:
        """Whether an execution of this name is forgotten by now. On AWS only Validate can tell."""
        return False

    def describe(self, run: str) -> dict[str, Any] | None:
        """An execution as Step Functions describes it; None when there is none."""
        states = self.client("stepfunctions")
        try:
            return dict(states.describe_execution(executionArn=self.arn_of(run)))
        except (states.exceptions.ExecutionDoesNotExist, states.exceptions.InvalidArn):
            return None

    def bundle_of(self, run: str) -> str | None:
        """The digest of the bundle that a run was started with."""
        described = self.describe(run)
        return str(json.loads(described["input"])["bundle"]) if described else None

    def arn_of(self, run: str) -> str:
        """The ARN of a run's execution."""
        return self.output("StateMachineArn").replace(":stateMachine:", ":execution:") + f":{run}"

    def runs(self, most: int) -> list[dict[str, Any]]:
        """The latest executions, newest first."""
        listed = self.client("stepfunctions").list_executions(
            stateMachineArn=self.output("StateMachineArn"), maxResults=most
        )
        return [self._run(execution["name"]) for execution in listed["executions"]]

    def _run(self, run: str) -> dict[str, Any]:
        described = self.describe(run) or {}
        given = json.loads(described.get("input") or "{}")
        request = given if isinstance(given, dict) else {}
        ended = described.get("stopDate")
        over = described.get("status") != "RUNNING"
        return {
            "run": run,
            "direction": "downgrade" if any(_goes_back(request)) else "upgrade",
            "requested_by": request.get("requested_by"),
            "started_at": described["startDate"].isoformat(timespec="seconds"),
            "ended_at": ended.isoformat(timespec="seconds") if over and ended else None,
            "outcome": ending_of(described, "").outcome if over else None,
        }

    def inspect(self) -> dict[str, Any]:
        """What the environment's database and ledger say. Raises what the function raised."""
        return self._invoke("InspectFunctionName", {"question": "status"})

    def sizes(self) -> dict[str, Any]:
        """How large the environment's tables are, as a stats file. Raises what the function raised."""
        return self._invoke("InspectFunctionName", {"question": "sizes"})

    def ledger(self) -> list[dict[str, Any]]:
        """The latest runs as the environment's database remembers them, newest first."""
        return list(self._invoke("InspectFunctionName", {"question": "runs"})["runs"])

    def close(self, run: str) -> dict[str, Any]:
        """Write a dead run's end into the ledger. Raises Refused while the run lives, or nobody knows it."""
        described = self.describe(run)
        if described is None or described["status"] == "RUNNING":
            what = "still runs" if described else "is no run of this environment"
            raise BadRequest(
                f"{run} {what}, so there is nothing to close.",
                f"db-migrate --environment {self.environment} runs",
            )
        failure = {"Error": described["status"], "Cause": "closed by hand"}
        closing = {"run": run, "plan": {}, "outcome": described["status"], "failure": failure}
        return self._invoke("CloseFunctionName", closing)

    def end_execution(self, run: str, by: str) -> str | None:
        """Stop the run's execution; returns the state in which it was found, None when there is none."""
        described = self.describe(run)
        if described is None:
            return None
        if described["status"] == "RUNNING":
            self.client("stepfunctions").stop_execution(
                executionArn=self.arn_of(run), error=STOPPED, cause=f"stopped by {by}"
            )
        return str(described["status"])

    def steer(self, run: str, wish: str, by: str) -> dict[str, Any]:
        """Pause, resume or stop what the run does in its database. Raises what the function raised."""
        return self._invoke("SteerFunctionName", {"run": run, "wish": wish, "by": by})

    def _invoke(self, output: str, payload: dict[str, Any]) -> dict[str, Any]:
        answer = self.client("lambda").invoke(
            FunctionName=self.output(output), Payload=json.dumps(payload).encode()
        )
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            message, hint = spoken(json.dumps(said))
            name = str(said.get("errorType", "Failed"))
            raise RunEnded(name, message, hint, exit_code_of(name))
        return said


def _undoes(described: dict[str, Any]) -> tuple[Any, Any]:
    """What an execution undoes. Two runs of one bundle are undone one by one."""
    given = json.loads(described.get("input") or "{}")
    return _goes_back(given if isinstance(given, dict) else {})


def _goes_back(request: dict[str, Any]) -> tuple[Any, Any]:
    """The run or the revision to which a request goes back; an upgrade has neither."""
    return request.get("rollback_of"), request.get("rollback_to")


def exit_code_of(name: str) -> int:
    """The exit code of one of our errors by its name; 1 for a stranger."""
    from dbmigrate.domain import errors

    kind = getattr(errors, name, None)
    return kind.exit_code if isinstance(kind, type) and issubclass(kind, errors.DbMigrateError) else 1


def open_stack(options: Options, name: str | None) -> Stack:
    """The environment's stack on AWS."""
    import boto3
    from botocore.config import Config

    session: Any = boto3.Session()
    # The inspect function may take two minutes, and asking it again would not make it faster.
    patience = Config(read_timeout=150, retries={"mode": "standard", "max_attempts": 5})
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = session.client(service, config=patience)
        return made[service]

    return Stack(options.environment, name or f"db-migrate-{options.environment}", client)


@contextlib.contextmanager
def aws_errors(options: Options) -> Iterator[None]:
    """What AWS refuses, as one of our errors."""
    hint = "check AWS_PROFILE and AWS_REGION (aws sts get-caller-identity), or try: deploy --local"
    try:
        yield
    except ClientError as error:
        raise Misconfigured(
            f"AWS refuses {error.operation_name}: {error.response['Error']['Message']}", hint
        ) from error
    except BotoCoreError as error:
        raise Misconfigured(
            f"AWS cannot be reached for {options.environment}: {str(error).rstrip('.')}.", hint
        ) from error
