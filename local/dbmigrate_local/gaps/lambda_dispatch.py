"""Gap: moto runs functions in Docker. Every path to one ends in one method; ours runs it here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from moto.awslambda.models import LambdaFunction

from dbmigrate_local.gaps.patching import replaced

Run = Callable[[Any, Any], tuple[str, bool, str]]
"""From moto's function and the event, JSON or parsed, to payload, whether it is an error, and log."""


@contextlib.contextmanager
def lambda_dispatch(run: Run) -> Iterator[None]:
    """Invoke API, Step Functions, SNS and EventBridge all reach `run`."""

    def invoke(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        return run(self, event)

    respond = LambdaFunction.invoke

    def respond_as_python(
        self: LambdaFunction, body: Any, request_headers: Any, response_headers: Any
    ) -> Any:
        payload = respond(self, body, request_headers, response_headers)
        if "x-amz-function-error" in response_headers:
            response_headers["x-amz-function-error"] = "Unhandled"  # moto says Handled
        return payload

    with replaced((LambdaFunction, "_invoke_lambda", invoke), (LambdaFunction, "invoke", respond_as_python)):
        yield
