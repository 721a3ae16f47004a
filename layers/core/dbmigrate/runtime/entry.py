"""The door of every function: checks the event, keeps logs and metrics, names our own errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from dbmigrate.domain.errors import NEXT, DbMigrateError
from dbmigrate.domain.shape import Shape, check_shape
from dbmigrate.domain.words import in_environment
from dbmigrate.runtime import telemetry

Handler = Callable[[Any, Any], Any]
MOST_SAID = 16_000
"""Characters of an error's text. Step Functions carries it in the state, of 256 KiB in all, beyond which
a run ends without a word; the log has the whole."""


def lambda_entry(
    verb: str, shape: Shape | Callable[[Any], Shape] | None = None, *, traced: bool = False
) -> Callable[[Handler], Handler]:
    """Make a function out of a handler of (event, context).

    ``verb`` is the function's folder and stands in its messages. An event without the keys of ``shape`` is
    refused as BadRequest before the handler sees it. ``traced`` costs half a second of cold start, so a page
    asks for none. Where several kinds of events arrive, ``shape`` is a function that tells them apart.
    """

    def decorate(handler: Handler) -> Handler:
        work = _traced(handler) if traced else handler

        @wraps(handler)
        def entry(event: Any, context: Any = None) -> Any:
            telemetry.begin(verb, event)
            try:
                check_shape(verb, event, (shape(event) if callable(shape) else shape) or {})
                return work(event, context)
            except DbMigrateError as error:
                telemetry.logger.error(f"{verb} ends with {type(error).__name__}: {error.message}")
                _address(error)
                _shorten(error)
                raise
            except Exception as error:
                telemetry.logger.exception(f"{verb} broke")
                _shorten(error)
                raise
            finally:
                telemetry.end()

        return entry

    return decorate


def _address(error: DbMigrateError) -> None:
    """Services do not know for which environment they work; who reads the error does not know it either."""
    said, begins, hint = str(error).partition(NEXT)
    error.args = (said + begins + in_environment(hint, os.environ.get("ENVIRONMENT", "")),)


def _shorten(error: Exception) -> None:
    text = str(error)
    if len(text) > MOST_SAID:
        # The end says what to do next.
        error.args = (f"{text[: MOST_SAID - 1000]}\n…\n{text[-900:]}",)


def _traced(handler: Handler) -> Handler:
    from aws_lambda_powertools import Tracer

    # Only AWS calls: the X-Ray patch of pg8000 would record the database's user and statements.
    tracer = Tracer(patch_modules=("boto3",))
    return tracer.capture_lambda_handler(handler, capture_response=False, capture_error=False)
