"""Gaps of the Step Functions API around executions.

- a nameless execution is called "None"; two starts at the same instant can both win.
- StopExecution leaves a task that waits for its token waiting, and drops error and cause.
- an output is not always JSON text; it appears after the status, so a reader can miss it.
- stopDate is missing when an execution timed out; history ignores order and paging; errors have no code.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.moto_api._internal import mock_random
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramStopped
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from dbmigrate_local.gaps.patching import replaced
from dbmigrate_local.gaps.plain_json import dumped

PAGE = 1000


@contextlib.contextmanager
def executions() -> Iterator[None]:
    """Start, stop, describe and read executions as on AWS."""
    with _starting(), _stopping(), _ending(), _reading(), _error_codes():
        yield


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    start = StepFunctionsParserBackend.start_execution
    one_at_a_time = threading.Lock()

    def start_once(
        self: Any,
        state_machine_arn: str,
        name: Any = None,
        execution_input: Any = None,
        trace_header: Any = None,
    ) -> Any:
        with one_at_a_time:
            chosen = name or str(mock_random.uuid4())
            return start(self, state_machine_arn, chosen, execution_input, trace_header)

    with replaced((StepFunctionsParserBackend, "start_execution", start_once)):
        yield


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    set_error = Environment.set_error

    def stop(self: StepFunctionResponse) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        return ActionResult(
            {"stopDate": stop_now(execution, self._get_param("error"), self._get_param("cause"))}
        )

    def set_error_unless_stopped(self: Environment, error: Any) -> None:
        if not isinstance(self._program_state, ProgramStopped):  # a stop wins over the error that it provokes
            set_error(self, error)

    with replaced(
        (StepFunctionResponse, "stop_execution", stop),
        (Environment, "set_error", set_error_unless_stopped),
    ):
        yield


def stop_now(execution: Any, error: str | None = None, cause: str | None = None) -> dt.datetime:
    """Stop an execution and wake the tasks that wait for a token."""
    now = dt.datetime.now(dt.UTC)
    if execution.status == "RUNNING" and execution.exec_worker and execution.exec_worker.env:
        execution.stop(stop_date=now, error=error, cause=cause)
        for endpoint in list(execution.exec_worker.env.callback_pool_manager._pool.values()):
            endpoint.interrupt_all()
    return now


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    reflect: Any = BaseExecutionWorkerCommunication._reflect_execution_status

    def reflect_in_order(self: BaseExecutionWorkerCommunication) -> None:
        execution: Any = self.execution
        state = execution.exec_worker.env.program_state()
        if isinstance(state, ProgramEnded):
            execution.output = dumped(execution.exec_worker.env.states.get_input())
            execution.stop_date = dt.datetime.now(dt.UTC)
            execution.exec_status = ExecutionStatus.SUCCEEDED
            return
        if isinstance(state, ProgramStopped):
            execution.error, execution.cause = state.error, state.cause
        reflect(self)

    with replaced((BaseExecutionWorkerCommunication, "_reflect_execution_status", reflect_in_order)):
        yield


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    describe: Any = StepFunctionResponse.describe_execution

    def describe_with_end(self: StepFunctionResponse) -> Any:
        answer = describe(self)
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if execution.stop_date is not None and answer.result["status"] != "RUNNING":
            answer.result["stopDate"] = execution.stop_date
        return answer

    def history(self: StepFunctionResponse) -> ActionResult:
        found = self.stepfunction_backend.get_execution_history(self._get_param("executionArn"))
        events = list(found["events"])[:: -1 if self._get_param("reverseOrder") else 1]
        first = int(self._get_param("nextToken") or 0)
        last = first + int(self._get_param("maxResults") or PAGE)
        more = {"nextToken": str(last)} if last < len(events) else {}
        return ActionResult({"events": events[first:last], **more})

    with replaced(
        (StepFunctionResponse, "describe_execution", describe_with_end),
        (StepFunctionResponse, "get_execution_history", history),
    ):
        yield


@contextlib.contextmanager
def _error_codes() -> Iterator[None]:
    def coded(kind: Any) -> bool:
        return (
            isinstance(kind, type) and issubclass(kind, Exception) and isinstance(vars(kind).get("code"), str)
        )

    kinds: list[Any] = [kind for kind in vars(api).values() if coded(kind)]
    before: dict[Any, Any] = {kind: vars(kind).get("TYPE") for kind in kinds}
    for kind in kinds:
        kind.TYPE = kind.code
    try:
        yield
    finally:
        for kind, value in before.items():
            if value is None:
                del kind.TYPE
            else:
                kind.TYPE = value
