"""Gap: moto forgets which log group a template gives a function."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from moto.awslambda.models import LambdaFunction

from dbmigrate_local.gaps.patching import replaced


@contextlib.contextmanager
def function_logs() -> Iterator[None]:
    """A function's `logs_group_name` is the one of its LoggingConfig."""
    original = LambdaFunction.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def create(
        cls: Any, /, name: str, cloudformation_json: Any, account_id: str, region: str, **more: Any
    ) -> Any:
        function = original(cls, name, cloudformation_json, account_id, region, **more)
        group = (cloudformation_json["Properties"].get("LoggingConfig") or {}).get("LogGroup")
        function.logs_group_name = group or function.logs_group_name
        return function

    with replaced((LambdaFunction, "create_from_cloudformation_json", classmethod(create))):
        yield
