"""Gaps around .waitForTaskToken.

- moto accepts an answer for a task that was already answered; AWS says TaskTimedOut.
- moto drops the cause of a failure.
- moto gives a retried task the token of the failed attempt; AWS gives it a new one.
- a task's timeout cannot be had without waiting for it: `expire` ends it now.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from moto.core.responses import EmptyResult
from moto.stepfunctions.parser.api import InvalidOutput, InvalidToken, TaskTimedOut
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback as callbacks,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
)
from moto.stepfunctions.responses import StepFunctionResponse

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def task_tokens() -> Iterator[None]:
    """Answer a token once, with its cause, as AWS does."""

    def success(self: StepFunctionResponse) -> EmptyResult:
        token, output = self._get_param("taskToken"), self._get_param("output")
        try:
            json.loads(output)
        except ValueError as problem:
            raise InvalidOutput(f"Invalid Output: '{problem}'") from problem
        return answer(self, token, CallbackOutcomeSuccess(callback_id=token, output=output))

    def failure(self: StepFunctionResponse) -> EmptyResult:
        token, error, cause = (self._get_param(name) for name in ("taskToken", "error", "cause"))
        return answer(self, token, CallbackOutcomeFailure(callback_id=token, error=error, cause=cause))

    def answer(self: StepFunctionResponse, token: str, outcome: CallbackOutcome) -> EmptyResult:
        execution = holder_of(self.stepfunction_backend, token)
        if execution is None:
            raise InvalidToken
        pool = execution.exec_worker.env.callback_pool_manager
        if execution.status != "RUNNING" or pool.get(token)._notify_event.is_set():
            raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
        pool.notify(callback_id=token, outcome=outcome)
        return EmptyResult()

    with replaced(
        (StepFunctionResponse, "send_task_success", success),
        (StepFunctionResponse, "send_task_failure", failure),
    ):
        yield


@contextlib.contextmanager
def new_token_per_attempt() -> Iterator[None]:
    """A retried task hands out a token of its own, and the old one is worth nothing."""
    evaluate = ExecutionState._evaluate_with_timeout

    def with_new_token(self: Any, env: Any) -> None:
        context = env.states.context_object
        if (
            isinstance(self, callbacks.StateTaskServiceCallback)
            and self._is_integration_pattern()  # type: ignore[no-untyped-call]
            and context.context_object_data["State"].get("RetryCount")
        ):
            env.callback_pool_manager.add(context.update_task_token())
        evaluate(self, env)

    with replaced((ExecutionState, "_evaluate_with_timeout", with_new_token)):
        yield


def waiting_tokens(execution: Any) -> list[str]:
    """The tokens that an execution waits for now."""
    environment = execution.exec_worker.env if execution.exec_worker else None
    if environment is None or execution.status != "RUNNING":
        return []
    pool = environment.callback_pool_manager._pool
    return [token for token, endpoint in list(pool.items()) if not endpoint._notify_event.is_set()]


def expire(execution: Any, token: str) -> None:
    """Let the timeout of a waiting task run out now."""
    endpoint = execution.exec_worker.env.callback_pool_manager.get(token)
    endpoint.notify(CallbackOutcomeTimedOut(callback_id=token))


def holder_of(backend: Any, token: str) -> Any:
    """The execution that a token belongs to; None for a made-up token."""
    for execution in backend._get_executions():
        environment = execution.exec_worker.env if execution.exec_worker else None
        if environment is not None and environment.callback_pool_manager.get(token) is not None:
            return execution
    return None
