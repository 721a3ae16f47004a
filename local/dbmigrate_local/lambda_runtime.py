"""Runs the template's functions in this process, each with its own modules, environment, role and deadline.

Handlers with modules of their own run one at a time; handlers that a test gives run side by side.
A handler that outlives its timeout is answered for like a killed one, but its thread goes on to its own end.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbmigrate_local.account import NO_ACCOUNT
from dbmigrate_local.embedded_metrics import put_embedded_metrics
from dbmigrate_local.handler_world import World, current, inherited, living_in
from dbmigrate_local.sandboxes import Sandbox

Handler = Callable[[Any, Any], Any]
WITHOUT_TRACES = {"POWERTOOLS_TRACE_DISABLED": "true", "AWS_XRAY_SDK_ENABLED": "false"}


class NestedInvocation(RuntimeError):
    """A handler invoked another function and would wait for itself."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was invoked by a handler; the local runtime runs one real handler at a time."
        )


@dataclass(frozen=True)
class FunctionCode:
    """Where a function's code lies: its own folder, and the folders of its layers."""

    logical_id: str
    folder: Path
    layers: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Context:
    """What AWS gives a handler as its second argument."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    log_group_name: str
    deadline: float
    log_stream_name: str = "local"
    identity: Any = None
    client_context: Any = None
    tenant_id: Any = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(frozen=True)
class Invocation:
    """What one invocation was given and answered; `log` is what it printed."""

    logical_id: str
    event: Any
    payload: Any
    failed: bool
    seconds: float
    log: str


class Runtime:
    """`run` is what moto calls for an invocation.

    `codes` go by physical name and `handlers` by logical id; `credentials` gives a role's; `environment` is
    set in every function on top of the template's. `limits` are seconds that an invocation may last, by
    logical id, where that is to be less than the template's Timeout. `may_log` says whether its output
    reaches its log, `localised` turns addresses of AWS into this machine's. `answered` is called between what
    a function has done and what its caller hears of it, where a test may cut.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler] | None = None,
        environment: Mapping[str, str] | None = None,
        credentials: Callable[[str, str], dict[str, str]] | None = None,
    ) -> None:
        self.codes: dict[str, FunctionCode] = {}
        self.invocations: list[Invocation] = []
        self.limits: dict[str, float] = {}
        self.may_log: Callable[[Any], bool] = lambda function: True
        self.localised: Callable[[str], str] = str
        self.answered: Callable[[str, Any], None] = lambda logical_id, event: None
        self._handlers = dict(handlers or {})
        self._environment = dict(environment or {})
        self._credentials = credentials
        self._sandboxes: dict[str, Sandbox] = {}
        self._sessions: dict[str, Any] = {}

    def give(self, **variables: str) -> None:
        """Set variables in every function from its next invocation on: another database for another test."""
        self._environment.update(variables)

    def run(self, function: Any, event: Any) -> tuple[str, bool, str]:
        """Payload as JSON, whether it is an error, and the log; moto gives the event as JSON or parsed."""
        code = self.codes[function.function_name]
        given = json.loads(event if isinstance(event, (str, bytes)) else json.dumps(event)) if event else {}
        started = time.monotonic()
        world = World(self._variables(function, code), self._sessions.get(function.function_name))
        payload, failed = self._answer(function, code, given, world)
        self._sessions[function.function_name] = world.session
        self.answered(code.logical_id, given)
        log = world.output.getvalue()
        put_embedded_metrics(log)
        shown = log if self.may_log(function) else ""
        seconds = time.monotonic() - started
        self.invocations.append(Invocation(code.logical_id, given, payload, failed, seconds, shown))
        return json.dumps(payload), failed, shown

    def _answer(self, function: Any, code: FunctionCode, event: Any, world: World) -> tuple[Any, bool]:
        fake = self._handlers.get(code.logical_id)
        if fake is not None:
            return self._within_time(function, code, lambda: fake, event, world)
        if current() is not None:
            raise NestedInvocation(code.logical_id)
        sandbox = self._sandboxes.setdefault(function.function_name, Sandbox(code.folder, code.layers))
        with sandbox.open():
            return self._within_time(function, code, lambda: sandbox.handler(function.handler), event, world)

    def _within_time(
        self, function: Any, code: FunctionCode, find: Callable[[], Handler], event: Any, world: World
    ) -> tuple[Any, bool]:
        seconds = min(function.timeout, self.limits.get(code.logical_id, function.timeout))
        context = context_of(function, seconds)
        answer: list[tuple[Any, bool]] = []

        def call() -> None:
            with living_in(world):
                answer.append(outcome(find, event, context))

        thread = threading.Thread(target=call, name=f"lambda-{function.function_name}", daemon=True)
        thread.start()
        thread.join(seconds)
        return answer[0] if answer else (timed_out(seconds, context), True)

    def _variables(self, function: Any, code: FunctionCode) -> dict[str, str]:
        from_template = {
            name: self.localised(str(value)) for name, value in (function.environment_vars or {}).items()
        }
        return {
            **inherited(),
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "_HANDLER": function.handler or "",
            **from_template,
            **self._environment,
            **NO_ACCOUNT,
            **WITHOUT_TRACES,
            **(self._credentials(function.role, function.function_name) if self._credentials else {}),
        }


def context_of(function: Any, seconds: float) -> Context:
    return Context(
        function.function_name,
        str(function.version),
        function.function_arn,
        int(function.memory_size),
        str(uuid.uuid4()),
        function.logs_group_name,
        time.monotonic() + seconds,
    )


def outcome(find: Callable[[], Handler], event: Any, context: Context) -> tuple[Any, bool]:
    """What a handler answers, through JSON like the service, or how it failed in the service's form."""
    try:
        handler = find()
    except BaseException as problem:  # noqa: BLE001 - whatever an import raises is the function's error
        return failure(problem, context, import_error_name(problem)), True
    try:
        return json.loads(json.dumps(handler(event, context))), False
    except BaseException as problem:  # noqa: BLE001 - SystemExit too is only the function's end
        return failure(problem, context, type(problem).__name__), True


def failure(problem: BaseException, context: Context, kind: str) -> dict[str, Any]:
    return {
        "errorMessage": str(problem),
        "errorType": kind,
        "requestId": context.aws_request_id,
        "stackTrace": traceback.format_exception(problem),
    }


def import_error_name(problem: BaseException) -> str:
    if isinstance(problem, SyntaxError):
        return "Runtime.UserCodeSyntaxError"
    return "Runtime.ImportModuleError" if isinstance(problem, ImportError) else type(problem).__name__


def timed_out(seconds: float, context: Context) -> dict[str, Any]:
    message = f"RequestId: {context.aws_request_id} Error: Task timed out after {seconds:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}
